"""PGD against a plain loop from the same start, a linear network, and what must be monotone."""

from itertools import pairwise

import pytest
import torch

from instruments.attacks.half_planes import PIXELS, curved, half_plane, needed, plain_climb
from snellen._errors import UsageError
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.attacks._norms import L2, Linf
from snellen.instruments.attacks.pgd import PGD


def test_it_is_the_plain_loop_from_the_same_start() -> None:
    network, labels = curved()
    norm = Linf(5 / 255)
    found = PGD(norm, steps=7)(network, PIXELS, labels, seed=5)
    noise = norm.drawn(PIXELS.shape, Draws.of((PIXELS * 255).round().byte(), 5).split(0))
    assert 3 <= int(found.success.sum()) < len(PIXELS)
    for i, (made, fooled) in enumerate(zip(found.images, found.success, strict=True)):
        image, start = PIXELS[i : i + 1], PIXELS[i : i + 1] + noise[i : i + 1]
        slow = plain_climb(network, labels[i], image, levels=5, steps=7, step=2.5 * 5 / 255 / 7, start=start)
        assert bool(network.outputs(slow).argmax() != labels[i]) == bool(fooled)
        if fooled:
            assert torch.equal((slow[0] * 255).round(), (made * 255).round())


@pytest.mark.parametrize("levels", [2, 6])
def test_a_linear_network_falls_exactly_when_the_budget_is_larger_than_its_distance(levels: int) -> None:
    network, labels = half_plane()
    found = PGD(Linf(levels / 255))(network, PIXELS, labels)
    assert torch.equal(found.success, needed(network, 1) < levels / 255)


def test_in_l2_too_as_numbers() -> None:
    """Rounding to levels costs some length: as numbers success begins at the distance, as pictures a little later."""
    network, labels = half_plane()
    far = needed(network, 2)
    eps = float(far.median()) * 1.02
    found = PGD(L2(eps))(network, PIXELS, labels)
    assert not found.success[far >= eps].any()
    assert found.success[far * 1.15 < eps].all()


def test_success_is_monotone_in_eps_and_complete_at_one() -> None:
    network, labels = curved()
    share = [
        int(PGD(Linf(eps), steps=10)(network, PIXELS, labels).success.sum()) for eps in (0.008, 0.012, 0.02, 0.03, 1)
    ]
    assert all(less <= more for less, more in pairwise(share))
    assert share[0] < share[-1] == len(PIXELS)


def test_success_is_monotone_in_steps_of_one_size() -> None:
    network, labels = curved()
    found = [PGD(Linf(0.04), steps=steps, step=0.004)(network, PIXELS, labels).success for steps in (1, 3, 9, 27)]
    assert all(bool((more | ~less).all()) for less, more in pairwise(found))
    assert found[0].sum() < found[-1].sum()


def test_restarts_are_for_those_that_resist() -> None:
    network, labels = half_plane()
    norm = Linf(4 / 255)
    once, twice = (PGD(norm, steps=5, restarts=n)(network, PIXELS, labels) for n in (1, 2))
    assert torch.equal(once.success, twice.success)
    resisted = int((~once.success).sum())
    assert 0 < resisted < len(PIXELS)
    assert twice.details["gradients"] == once.details["gradients"] + 5 * resisted


def test_another_restart_starts_elsewhere() -> None:
    draws = Draws.of((PIXELS * 255).round().byte(), 0)
    first, second = (Linf(0.1).drawn(PIXELS.shape, draws.split(k)) for k in (0, 1))
    assert not torch.equal(first, second)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"restarts": 0}, "restarts must be at least 1, got 0"),
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"step": -0.1}, r"step must be positive, got -0\.1"),
    ],
)
def test_wrong_settings(settings: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        PGD(**settings)  # type: ignore[arg-type]
