"""Targets that change the value of the loss and not its gradient, or are all one, and losses that only look so."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from healthy import CE, SetUp, classifier, images, sgd
from snellen.checks.training.targets import Targets
from snellen.findings.finding import Finding
from snellen.training.health.observe import observe


def asked(loss: Any, targets: Tensor | None = None, outputs: int = 4) -> list[Finding]:
    torch.manual_seed(0)
    inputs, labels = images()
    network = nn.Sequential(classifier(), nn.Linear(4, outputs))
    batch = inputs, labels if targets is None else targets
    return list(Targets()(observe(*SetUp(network, sgd(network.parameters()), batch, loss))))


def test_a_penalty_beside_detached_outputs_teaches_nothing_of_the_targets() -> None:
    (found,) = asked(lambda o, t: CE(o.detach(), t) + 1e-4 * o.square().mean())
    assert (found.severity, found.title) == ("error", "The targets teach nothing")
    assert "is the same, bit for bit" in found.sentence


FAR = 100 + 10 * torch.randn(16, 1, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("loss", "targets", "outputs"),
    [
        (CE, None, 4),
        (nn.MultiMarginLoss(), None, 4),
        (nn.L1Loss(), FAR, 1),  # the sign of every error is the same, whichever target it has
        (nn.SmoothL1Loss(), FAR, 1),
        (nn.PoissonNLLLoss(), FAR.round(), 1),
        (lambda o, t: -(o * (2 * F.one_hot(t, 4) - 1)).mean(), None, 4),
        (lambda o, _t: o.square().mean(), None, 4),  # labels are at hand and not used
        (lambda o, t: CE(o.detach(), t), None, 4),  # no gradient at all is another's to tell
    ],
)
def test_targets_that_teach_are_left_in_peace(loss: Any, targets: Tensor | None, outputs: int) -> None:
    assert asked(loss, targets, outputs) == []


def test_a_regression_to_one_number_is_warned_of() -> None:
    (found,) = asked(nn.MSELoss(), torch.full((16, 1), 3.0), 1)
    assert (found.severity, found.title) == ("warning", "Targets that are all the same")
    assert asked(nn.MSELoss(), torch.full((16, 1), 3.0) + torch.eye(16)[:, :1], 1) == []


@pytest.mark.parametrize(("low", "high", "said"), [(0.0, 0.9, "error"), (0.0, 2.9, "warning")])
def test_targets_that_lose_their_fractions_are_named(low: float, high: float, said: str) -> None:
    numbers = torch.linspace(low, high, 16)[:, None]
    (found,) = asked(lambda o, t: F.mse_loss(o, t.long().float()), numbers, 1)
    assert (found.severity, found.title) == (said, "Targets are cut to whole numbers")
    assert asked(nn.MSELoss(), numbers, 1) == asked(nn.MSELoss(), numbers.trunc() + torch.eye(16)[:, :1], 1) == []


@pytest.mark.parametrize("told", [True, False])
def test_a_mask_among_the_channels_is_an_error(told: bool) -> None:
    torch.manual_seed(0)
    x = torch.randn(6, 3, 8, 8)
    mask = (x[:, 0] > 0).long()
    x[:, 2] = mask.float() * 2 - 1 if told else (x[:, 1] > 0).float()
    network = nn.Conv2d(3, 2, 3, padding=1)
    found = Targets()(observe(network, sgd(network.parameters()), (x, mask), CE))
    assert [f.title for f in found] == ["The target is in the input"] * told


@pytest.mark.parametrize("lost", [True, False])
def test_classes_that_an_argmax_turns_to_0_are_an_error(lost: bool) -> None:
    """The argmax of a column is 0 in every row."""
    torch.manual_seed(0)
    found = asked(lambda o, t: CE(o, t[:, None].argmax(1) if lost else t))
    assert [(f.severity, f.title) for f in found] == [("error", "Targets are lost on the way")] * lost
