"""One change for all: its closed form on linear networks, brute force on a small one, and an honest rate."""

from itertools import product

import pytest
import torch
from torch import Tensor, nn

from snellen._errors import UsageError
from snellen.instruments.attacks._goal import Moved
from snellen.instruments.attacks._joint import held_out
from snellen.instruments.attacks._norms import L2, Linf
from snellen.instruments.attacks.universal import Universal
from snellen.subject.network import Network

EPS = 12 / 255
GREY = torch.randint(40, 216, (60, 3, 2, 2), generator=torch.Generator().manual_seed(3)) / 255


def linear(classes: int = 2) -> tuple[Network, Tensor]:
    torch.manual_seed(1)
    layer = nn.Linear(12, classes)
    layer.bias.data -= layer(GREY.flatten(1)).detach().mean(dim=0)
    return Network(nn.Sequential(nn.Flatten(), layer)), layer.weight.detach()


@pytest.mark.parametrize("norm", [Linf(EPS), L2(0.3)], ids=["linf", "l2"])
def test_on_a_linear_network_it_is_the_dual_vector(norm: Linf | L2) -> None:
    """Of images of class 0 it moves those within ||w|| eps of class 1, and no others, learned from or not."""
    network, weight = linear()
    scores = network.outputs(GREY).detach()
    images, scores = (part[scores.argmax(dim=1) == 0] for part in (GREY, scores))
    labels = torch.zeros(len(images), dtype=torch.long)
    found = Universal(norm, steps=40, share=0.3)(network, images, labels, target=1)
    normal = weight[1] - weight[0]
    best = norm.radius * normal.sign() if isinstance(norm, Linf) else norm.eps * normal / normal.norm()
    torch.testing.assert_close(found.details["perturbation"].flatten(), best, rtol=0, atol=2.5 / 255)
    reach = float(best @ normal)
    gap = scores[:, 0] - scores[:, 1]
    sure = (gap - reach).abs() > 0.05 * reach
    assert torch.equal(found.success[sure], (gap < reach)[sure])
    assert 0 < int(found.success.sum()) < len(images)
    assert len(found.details["learned"]) == round(0.3 * len(images))
    assert found.success[held_out(found)].any()


def test_every_image_is_given_the_same_change() -> None:
    network, _ = linear(4)
    labels = network.outputs(GREY).argmax(dim=1)
    labels[7] = (labels[7] + 1) % 4
    found = Universal(Linf(EPS), steps=20)(network, GREY, labels, batch_size=8)
    change = found.details["perturbation"]
    assert torch.equal(change * 255, (change * 255).round())
    expected = (GREY + change).clamp(0, 1)[found.success & ~found.already]
    torch.testing.assert_close(found.images[found.success & ~found.already], expected)
    held = held_out(found)
    assert not held[7]
    assert int(held.sum()) + len(found.details["learned"]) == 59
    assert not held[found.details["learned"]].any()


def test_the_order_of_the_images_does_not_matter() -> None:
    network, _ = linear(4)
    labels = network.outputs(GREY).argmax(dim=1)
    attack = Universal(Linf(EPS), steps=20)
    one, other = attack(network, GREY, labels), attack(network, GREY.flip(0), labels.flip(0))
    assert torch.equal(one.details["perturbation"], other.details["perturbation"])
    assert torch.equal(one.details["learned"], (59 - other.details["learned"]).sort().values)


def test_it_moves_nearly_as_many_as_the_best_of_all_corners() -> None:
    """Images of 4 values: all 81 changes by -eps, 0 or eps are tried."""
    torch.manual_seed(4)
    images = torch.randint(60, 196, (80, 1, 2, 2)) / 255
    module = nn.Sequential(nn.Flatten(), nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))
    network = Network(module)
    with torch.no_grad():
        labels = module(images).argmax(dim=1)
        corners = torch.tensor(list(product((-1.0, 0.0, 1.0), repeat=4))).view(81, 1, 1, 2, 2) * 40 / 255
        moved = [int((module((images + c).clamp(0, 1)).argmax(dim=1) != labels).sum()) for c in corners]
    found = Universal(Linf(40 / 255), share=1.0, steps=60)(network, images, labels)
    assert 10 < max(moved) < 80
    assert int(found.success.sum()) >= 0.9 * max(moved)


def test_a_regression_has_one_change_for_each_way() -> None:
    """Positive outputs are first sent down and negative ones up; what one change cannot do at once, two do."""
    torch.manual_seed(1)
    layer = nn.Linear(12, 1)
    layer.bias.data -= layer(GREY.flatten(1)).detach().mean(dim=0)
    network = Network(nn.Sequential(nn.Flatten(), layer))
    before = network.outputs(GREY).detach()[:, 0]
    reach = EPS * float(layer.weight.detach().abs().sum())
    found = Universal(Linf(EPS), steps=20)(network, GREY, Moved(before, by=0.8 * reach))
    assert found.success.all()
    assert found.details["perturbation"].shape == (2, 3, 2, 2)
    moved = (network.outputs(found.images).detach()[:, 0] - before).sign()
    assert (moved == moved[0]).all()
    missed = Universal(Linf(EPS), steps=20)(network, GREY, Moved(before, by=1.1 * reach))
    assert not missed.success.any()


def test_settings_out_of_range() -> None:
    with pytest.raises(UsageError, match=r"share in \(0, 1\], got 200 and 0"):
        Universal(share=0)
