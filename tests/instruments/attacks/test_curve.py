"""The curve against closed forms and against one attack after another, and what the one pass costs."""

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import pytest
import torch
from torch import Tensor

from instruments.attacks.half_planes import PIXELS, curved, half_plane, needed
from snellen._errors import UsageError
from snellen.instruments.attacks._base import Attack
from snellen.instruments.attacks._curve import curve
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.attacks._goal import Moved
from snellen.instruments.attacks._norms import L2, Linf
from snellen.instruments.attacks._victim import Victim
from snellen.instruments.attacks.bim import BIM
from snellen.instruments.attacks.fgsm import FGSM
from snellen.instruments.attacks.pgd import PGD
from snellen.subject.network import Network
from toys import Toy

LEVELS = (1, 2, 3, 4, 5, 6)
EPS = tuple(k / 255 for k in LEVELS)


@pytest.mark.parametrize("attack", [FGSM(), BIM(), PGD(steps=10)], ids=["fgsm", "bim", "pgd"])
def test_on_a_linear_network_it_is_the_closed_form(attack: Attack) -> None:
    network, labels = half_plane()
    labels[3] = 1 - labels[3]
    found = curve(attack, network, PIXELS, labels, eps=EPS[::-1])
    far = needed(network, 1)
    expected = torch.tensor([min((e for e in EPS if e > d), default=torch.inf) for d in far.tolist()])
    expected[3] = 0.0
    torch.testing.assert_close(found.smallest, expected.double(), rtol=0, atol=1e-9)
    assert len(set(found.smallest.tolist())) >= 4
    assert found.robust == tuple(int((expected > e).sum()) for e in EPS)
    assert torch.equal(found.found.success, found.smallest < torch.inf)


def test_fgsm_is_the_least_of_its_single_runs_by_one_gradient_an_image() -> None:
    network, labels = curved()
    found = curve(FGSM(), network, PIXELS, labels, eps=EPS)
    single = torch.stack([FGSM(Linf(e))(network, PIXELS, labels).success for e in EPS])
    least = [min((e for e, hit in zip(EPS, column, strict=True) if hit), default=torch.inf) for column in single.T]
    assert found.smallest.tolist() == pytest.approx(least)
    assert found.found.details["gradients"] == len(PIXELS)


def test_a_climb_is_no_weaker_than_its_single_runs_and_pays_for_one_that_fails() -> None:
    network, labels = curved()
    attack = PGD(steps=20)
    found = curve(attack, network, PIXELS, labels, eps=EPS)
    single = [PGD(Linf(e), steps=20)(network, PIXELS, labels) for e in EPS]
    assert all(ours <= int((~theirs.success).sum()) for ours, theirs in zip(found.robust, single, strict=True))
    assert 0 < found.robust[-1] < found.robust[0]
    resisted = int((found.smallest > EPS[0]).sum())
    easy = found.found.details["gradients"] - 20 * resisted
    assert 0 <= easy < 5 * len(PIXELS) * len(EPS)
    assert found.found.details["gradients"] < sum(each.details["gradients"] for each in single) / 2


def test_every_picture_is_within_its_budget_and_fools() -> None:
    network, labels = curved()
    for norm, eps in ((Linf(1.0), EPS), (L2(1.0), (0.05, 0.1, 0.15, 0.2))):
        found = curve(PGD(norm, steps=10), network, PIXELS, labels, eps=eps)
        hit = found.smallest < torch.inf
        assert hit.any()
        size = norm.size(found.found.images - PIXELS)[hit]
        assert (size <= found.smallest[hit] + 1e-6).all()
        below = torch.tensor([0.0, *eps], dtype=torch.float64)
        index = (below[:, None] < found.smallest[hit] - 1e-6).sum(dim=0) - 1
        assert (size > below[index]).all(), "a picture that fits a smaller budget counts there"
        assert (network.outputs(found.found.images).argmax(dim=1) != labels)[hit].all()


def test_it_is_monotone() -> None:
    network, labels = curved()
    found = curve(PGD(steps=5), network, PIXELS, labels, eps=EPS)
    assert all(more >= less for more, less in pairwise(found.robust))


def test_what_looks_for_the_least_change_runs_once() -> None:
    @dataclass(frozen=True)
    class Nearest(Attack):
        """The closed form of a half plane, one level too far."""

        needs_budget: ClassVar[bool] = False

        def perturb(self, victim: Victim, originals: Tensor, draws: Draws) -> Tensor:
            del draws
            assert len(originals) == len(PIXELS), "all images at once, once"
            far = (needed(victim.network, 1) * 255).floor() + 1  # type: ignore[arg-type]
            return originals + far.view(-1, 1, 1, 1).float() / 255 * victim.slope(originals).gradient.sign()

    network, labels = half_plane()
    found = curve(Nearest(), network, PIXELS, labels, eps=EPS)
    least = (needed(network, 1) * 255).floor() + 1
    expected = [min((k / 255 for k in LEVELS if k >= d), default=torch.inf) for d in least.tolist()]
    assert found.smallest.tolist() == pytest.approx(expected)


def test_a_regression_takes_the_nearer_way() -> None:
    """y = z + 4 relu(z) at z = 0.05, moved by half: 0.3 down to -0.25, which is tried first, but 0.1 up to 0.75."""
    network = Network(Toy(lambda _m, x: bent(x.mean(dim=(1, 2, 3)) - 0.5)))
    pixels = torch.full((2, 3, 6, 6), 140 / 255)
    before = network.outputs(pixels).detach()[:, 0]
    found = curve(BIM(), network, pixels, Moved(before, by=0.5), eps=(0.08, 0.15, 0.4))
    assert found.smallest.tolist() == pytest.approx([38 / 255] * 2, abs=1e-6)
    assert (found.found.images > pixels).all()


def bent(z: Tensor) -> Tensor:
    return z + 4 * z.relu()


def test_no_budget() -> None:
    network, labels = half_plane()
    with pytest.raises(UsageError, match="at least one budget"):
        curve(FGSM(), network, PIXELS, labels, eps=())
    with pytest.raises(UsageError, match="less than one of 255 levels"):
        curve(FGSM(), network, PIXELS, labels, eps=(0.001,))
