"""Blocks that are one block, and pixels that no kernel reads."""

import copy

import pytest
import torch
from torch import nn

from healthy import CE, images, sgd
from snellen.checks.training.architecture import Architecture
from snellen.findings.finding import Finding
from snellen.training.health.observe import observe


def asked(network: nn.Module) -> list[Finding]:
    return list(Architecture()(observe(network, sgd(network.parameters()), images(), CE)))


@pytest.mark.parametrize("shared", [True, False])
def test_one_block_three_times(shared: bool) -> None:
    torch.manual_seed(0)
    block = nn.Sequential(nn.Linear(16, 16), nn.ReLU())
    blocks = [block] * 3 if shared else [copy.deepcopy(block) for _ in range(3)]
    act = nn.ReLU()  # no weights: it may stand where it will
    found = asked(nn.Sequential(nn.Flatten(), nn.Linear(432, 16), act, nn.Sequential(*blocks), act, nn.Linear(16, 4)))
    assert [f.title for f in found] == ["One block stands several times"] * shared
    assert not shared or "3 places" in found[0].sentence


@pytest.mark.parametrize(("kernel", "stride", "share"), [(1, 4, "94%"), (2, 3, "56%"), (4, 4, ""), (3, 2, "")])
def test_pixels_between_the_kernels(kernel: int, stride: int, share: str) -> None:
    """1 - (kernel / stride) squared of a plane."""
    torch.manual_seed(0)
    stem = nn.Conv2d(3, 8, kernel, stride)
    shortcut = nn.Conv2d(8, 8, 1, 2)  # behind another layer it is a shortcut's
    found = asked(nn.Sequential(stem, nn.ReLU(), shortcut, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4)))
    assert [f.title for f in found] == ["Pixels that are never read"] * bool(share)
    assert not share or f"{share} of the pixels" in found[0].sentence
