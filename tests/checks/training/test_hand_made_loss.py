"""Losses that were written by hand: right ones in every way of writing them, and two that reward what is wrong."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from faulty_trials import dice_of_scores, turned_round_by_hand
from healthy import SetUp, classifier, images, sgd
from snellen.checks.training.hand_made_loss import HandMadeLoss
from snellen.findings.finding import Finding
from snellen.training.health.observe import observe


def by_hand(at: SetUp) -> list[Finding]:
    return list(HandMadeLoss()(observe(*at)))


def focal(outputs: Tensor, targets: Tensor) -> Tensor:
    p = outputs.softmax(1).gather(1, targets[:, None])
    return (-((1 - p) ** 2) * p.log()).mean()


def dice(outputs: Tensor, targets: Tensor) -> Tensor:
    hot, p = F.one_hot(targets, 4).movedim(-1, 1), outputs.softmax(1)
    return 1 - 2 * (p * hot).sum() / (p.sum() + hot.sum())


def hinge(outputs: Tensor, targets: Tensor) -> Tensor:
    return F.relu(1 - outputs * (2 * F.one_hot(targets, 4).movedim(-1, 1) - 1)).mean()


def squares(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs - F.one_hot(targets, 4).movedim(-1, 1)).square().mean()


def of_distances(outputs: Tensor, targets: Tensor) -> Tensor:
    return -(-outputs).log_softmax(1).gather(1, targets[:, None]).mean()


def likelihood(outputs: Tensor, targets: Tensor) -> Tensor:
    return -outputs.log_softmax(1).gather(1, targets[:, None]).mean()


@pytest.mark.parametrize("loss", [focal, dice, hinge, squares, of_distances, likelihood])
def test_losses_by_hand_that_are_right_are_said_to_be(loss: Callable[..., Any]) -> None:
    torch.manual_seed(0)
    network = classifier()
    (finding,) = by_hand(SetUp(network, sgd(network.parameters()), images(), loss))
    assert finding.severity == "ok"


@pytest.mark.parametrize("fault", [turned_round_by_hand, dice_of_scores])
def test_losses_by_hand_that_reward_what_is_wrong_are_errors(fault: Callable[[], SetUp]) -> None:
    torch.manual_seed(0)
    (finding,) = by_hand(fault())
    assert finding.severity == "error"
