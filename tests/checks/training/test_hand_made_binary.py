"""Losses of masks written by hand: right ones, one upside down, and one that half of the targets have no part in."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from healthy import sgd
from snellen.checks.training.hand_made_binary import HandMadeBinary
from snellen.findings.finding import Finding
from snellen.training.health.observe import observe


def asked(loss: Any) -> list[Finding]:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 1, 3, padding=1))
    x = torch.randn(6, 3, 8, 8)
    return list(HandMadeBinary()(observe(network, sgd(network.parameters()), (x, (x[:, :1] > 0.3).float()), loss)))


def dice(outputs: Tensor, targets: Tensor) -> Tensor:
    p = outputs.sigmoid()
    return 2 * (p * targets).sum() / (p.sum() + targets.sum() + 1e-6)


def cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    p = outputs.sigmoid().clamp(1e-6, 1 - 1e-6)
    return -(targets * p.log() + (1 - targets) * (1 - p).log()).mean()


def focal(outputs: Tensor, targets: Tensor) -> Tensor:
    p = outputs.sigmoid() * (2 * targets - 1) + (1 - targets)
    return -((1 - p) ** 2 * (p + 1e-7).log()).mean()


def test_a_score_that_is_not_taken_from_1_is_an_error() -> None:
    (found,) = asked(dice)
    assert (found.severity, found.title) == ("error", "The loss rewards wrong answers")


@pytest.mark.parametrize(("sign", "number"), [(1, 0), (-1, 1)])
def test_a_hinge_of_signs_that_is_given_0_and_1_is_an_error(sign: int, number: int) -> None:
    (found,) = asked(lambda o, t: F.relu(1 - (t if sign > 0 else t - 1) * o).mean())
    assert (found.severity, found.title) == ("error", "Half of the targets do not count")
    assert f"targets of {number} have no part" in found.sentence


@pytest.mark.parametrize(
    "loss",
    [
        lambda o, t: 1 - dice(o, t),
        cross_entropy,
        focal,
        lambda o, t: F.relu(1 - (2 * t - 1) * o).mean(),
        lambda o, t: (o - t).abs().mean(),
        lambda o, t: (3 * t + 1 - t).mul((o - t).square()).mean(),  # a mask of weights
    ],
)
def test_right_ones_are_left_in_peace(loss: Any) -> None:
    assert asked(loss) == []
