"""Folding changes nothing but the number of operations."""

import copy

import pytest
import torch
from torch import nn

from snellen.nets.deshuffler import ENCODERS, Deshuffler
from snellen.puzzles.folded import folded
from snellen.training.fit import generator_of


def lived(encoder: str) -> Deshuffler:
    """A network whose BatchNorm has seen something and whose every parameter differs from its start."""
    torch.manual_seed(0)
    network = Deshuffler(encoder=encoder)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator_of(0, parameter.numel())))
        for _ in range(3):
            network(torch.rand(4, 4, 3, 16, 16))
    return network.eval()


@pytest.mark.parametrize("encoder", ENCODERS)
def test_the_scores_are_the_same_and_no_norm_is_left(encoder: str) -> None:
    network = lived(encoder)
    before = copy.deepcopy(network.state_dict())
    pieces = torch.rand(3, 4, 3, 16, 16)
    twin = folded(network)
    with torch.inference_mode():
        for one, other in zip(network(pieces), twin(pieces), strict=True):
            assert torch.allclose(one, other, rtol=1e-4, atol=1e-3 * float(one.abs().max()))
    assert not any(isinstance(module, nn.BatchNorm2d) for module in twin.modules())
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_other_networks_are_copied() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).eval()
    twin = folded(network)
    assert twin is not network
    assert isinstance(twin.get_submodule("1"), nn.BatchNorm2d)
