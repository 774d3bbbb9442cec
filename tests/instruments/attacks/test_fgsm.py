"""FGSM against the closed form of a linear network, where one step is all that can be done."""

import pytest
import torch

from instruments.attacks.half_planes import PIXELS, half_plane, needed
from snellen.instruments.attacks._norms import L2, Linf
from snellen.instruments.attacks.fgsm import FGSM


@pytest.mark.parametrize("levels", [1, 2, 4, 8, 16])
def test_a_linear_network_falls_exactly_when_the_budget_is_larger_than_its_distance(levels: int) -> None:
    network, labels = half_plane()
    found = FGSM(Linf(levels / 255))(network, PIXELS, labels)
    assert torch.equal(found.success, needed(network, 1) < levels / 255)


def test_the_levels_of_that_test_tell_images_apart() -> None:
    network, _ = half_plane()
    levels = 255 * needed(network, 1)
    fallen = [int((levels < k).sum()) for k in (1, 2, 4, 8, 16)]
    assert len(set(fallen)) >= 4, fallen


def test_the_step_is_the_sign_of_the_weights() -> None:
    network, labels = half_plane()
    found = FGSM(Linf(40 / 255))(network, PIXELS, labels)
    weight = network.module[1].weight.detach().diff(dim=0).view(1, 3, 6, 6)
    way = torch.where(labels == 0, 1, -1).view(-1, 1, 1, 1) * weight.sign()
    assert found.success.all()
    assert torch.equal(((found.images - PIXELS) * 255).round(), (40 * way).expand_as(PIXELS))


def test_l2_goes_straight_at_the_plane() -> None:
    network, labels = half_plane()
    far = needed(network, 2)
    eps = float(far.median()) * 1.0001
    found = FGSM(L2(eps))(network, PIXELS, labels)
    assert torch.equal(found.float_success, far < eps)
    assert (found.distance[found.success] <= eps).all()


def test_it_asks_for_one_gradient_an_image() -> None:
    network, labels = half_plane()
    assert FGSM()(network, PIXELS, labels).details["gradients"] == len(PIXELS)
