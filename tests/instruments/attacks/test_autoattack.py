"""AutoAttack breaks all that any of its members breaks, says which did, and does without a slope."""

import pytest
import torch
from torch import Tensor, nn

from snellen._errors import UsageError
from snellen.instruments.attacks._norms import L2, Linf, Norm
from snellen.instruments.attacks.autoattack import AutoAttack
from snellen.instruments.attacks.pgd import PGD
from snellen.instruments.attacks.square import Square
from snellen.subject.network import Network
from toys import Toy

PIXELS = (torch.rand(14, 3, 6, 6, generator=torch.Generator().manual_seed(1)) * 255).round() / 255


def bent(classes: int = 4) -> Network:
    torch.manual_seed(3)
    layers = nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(128, 16), nn.ReLU(), nn.Linear(16, classes)
    return Network(nn.Sequential(*layers))


def answers(network: Network) -> Tensor:
    outputs = network.outputs(PIXELS).detach()
    return outputs.argmax(dim=1) if outputs.shape[1] > 1 else (outputs[:, 0] > 0).long()


@pytest.mark.parametrize("norm", [Linf(4 / 255), L2(0.16)], ids=["linf", "l2"])
def test_no_single_attack_breaks_more(norm: Norm) -> None:
    network = bent()
    labels = answers(network)
    labels[3] = (labels[3] + 1) % 4
    ensemble = AutoAttack(norm, steps=8, queries=40)
    found = ensemble(network, PIXELS, labels, seed=2)
    assert 3 <= int(found.success.sum()) <= 12, "some stand, some fall"
    members = {name: member(network, PIXELS, labels, seed=2) for name, member in ensemble.members().items()}
    for name, member in members.items():
        assert not (member.success & ~found.success).any(), name
    pgd = PGD(norm, steps=40)(network, PIXELS, labels, seed=2)
    assert int(found.success.sum()) >= int(pgd.success.sum())
    standing = found.already.clone()
    for name, broken in found.details["broken_by"].items():
        first = (members[name].success & ~standing).nonzero()[:, 0].tolist()
        assert broken == first, "each member has what it breaks of what stood before it"
        standing |= members[name].success
    assert torch.equal(standing, found.success)


@pytest.mark.parametrize("classes", [1, 2, 3])
def test_few_classes(classes: int) -> None:
    network = bent(classes)
    found = AutoAttack(Linf(0.5), steps=8, queries=5)(network, PIXELS[:3], answers(network)[:3])
    assert found.success.all()


def test_a_function_is_attacked_by_square_alone() -> None:
    network = bent()
    ensemble = AutoAttack(Linf(8 / 255), steps=5, queries=60)
    found = ensemble(network.outputs, PIXELS, answers(network))
    alone = Square(Linf(8 / 255), queries=60)(network.outputs, PIXELS, answers(network))
    assert torch.equal(found.success, alone.success)
    assert set(found.details["skipped"]) == {"apgd_ce", "apgd_t", "fab_t"}
    assert "needs gradients" in found.details["skipped"]["fab_t"]
    assert found.details["broken_by"]["square"] == alone.success.nonzero()[:, 0].tolist() != []


def test_a_network_that_cuts_its_slope_is_attacked_by_square_alone() -> None:
    inner = bent()
    network = Network(Toy(lambda m, x: m.inner((16 * x).round().detach() / 16), inner=inner.module))
    labels = answers(network)
    found = AutoAttack(L2(1.0), steps=5, queries=60)(network, PIXELS, labels)
    assert found.details["gradients"] == 0
    assert found.success.any()
    assert "square" in found.details["skipped"]["apgd_ce"]


def test_places_are_those_of_the_whole_call() -> None:
    network = bent()
    labels = answers(network)
    labels[::2] = (labels[::2] + 1) % 4
    found = AutoAttack(Linf(0.5), steps=5, queries=5)(network, PIXELS, labels, batch_size=3)
    broken = [place for places in found.details["broken_by"].values() for place in places]
    assert sorted(broken) == list(range(1, 14, 2))


def test_wrong_settings() -> None:
    with pytest.raises(UsageError, match="queries must be at least 1, got 0"):
        AutoAttack(queries=0)
