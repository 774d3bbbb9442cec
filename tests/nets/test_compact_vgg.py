"""A VGG without its copies of pixels: the same function before and after, and steps of the size that was asked for."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from snellen.nets.compact_vgg import compact, restored
from snellen.nets.vgg import VGG, vgg

SIDES = [(32, 32), (64, 32), (96, 160), (128, 223)]


def network() -> VGG:
    """A VGG but for its sizes: 4 channels of 1/32 of the sides, 8 hidden units."""
    with torch.device("meta"):
        net = vgg(11)
    torch.manual_seed(0)
    net.features = nn.Sequential(nn.MaxPool2d(32), nn.Conv2d(3, 4, 1))
    net.classifier = nn.Sequential(nn.Linear(4 * 49, 8), nn.ReLU(), nn.Linear(8, 5))
    return net.eval()


@pytest.mark.parametrize("side", SIDES, ids=str)
def test_the_same_function_there_and_back(side: tuple[int, int]) -> None:
    whole, images = network(), torch.rand(2, 3, *side)
    small = compact(whole, side)
    back = restored(small, side)
    assert small.classifier[0].in_features == 4 * (side[0] // 32) * (side[1] // 32)
    assert {k: v.shape for k, v in back.state_dict().items()} == {k: v.shape for k, v in whole.state_dict().items()}
    want = whole(images)
    for net in (small, back):
        assert not net.training
        torch.testing.assert_close(net(images), want, rtol=1e-4, atol=1e-5 * want.abs().max().item())


def test_a_map_of_seven_by_seven_is_left_alone() -> None:
    whole = network().train()
    for side in ((224, 224), (32, 256)):
        for changed in (compact, restored):
            assert changed(whole, side).state_dict().keys() == whole.state_dict().keys()
            assert changed(whole, side).training


def test_the_network_given_is_not_touched() -> None:
    whole = network()
    before = {k: v.clone() for k, v in whole.state_dict().items()}
    small = compact(whole, (32, 32))
    with torch.no_grad():
        for parameter in small.parameters():
            parameter.zero_()
    restored(small, (32, 32))
    assert all(torch.equal(v, before[k]) for k, v in whole.state_dict().items())


def test_a_step_with_the_copies_moves_the_sum_49_times_as_far() -> None:
    """Why it is done: Adam's first step is the learning rate times the sign of the gradient, for each weight."""
    moved = []
    for net in (network(), compact(network(), (32, 32))):
        first = net.classifier[0]
        before = first.weight.detach().double().view(8, 4, -1).sum(2)
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-4, eps=0.0)
        images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
        F.cross_entropy(net(images), torch.tensor([0, 1])).backward()
        optimizer.step()
        step = (first.weight.detach().double().view(8, 4, -1).sum(2) - before).abs()
        moved.append(step[step > 0].median().item())
    assert moved[0] == pytest.approx(49e-4, rel=0.05)
    assert moved[1] == pytest.approx(1e-4, rel=0.05)
