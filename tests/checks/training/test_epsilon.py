"""An epsilon that drowns the gradients is an error where the usual one learns, and only there."""

import torch
from torch import optim

from healthy import CE, SetUp, classifier, images
from snellen.checks.training.epsilon import Epsilon
from snellen.findings.finding import Finding
from snellen.training.health.observe import observe


def asked(eps: float, lr: float = 1e-2) -> list[Finding]:
    torch.manual_seed(0)
    network = classifier(norm=False)
    made = SetUp(network, optim.Adam(network.parameters(), lr=lr, eps=eps), images(), CE)
    return list(Epsilon()(observe(*made)))


def test_an_epsilon_of_1000_is_an_error() -> None:
    (found,) = asked(1000.0)
    assert found.severity == "error"
    assert "with an epsilon of 1e-08 to" in found.sentence


def test_a_rate_that_goes_with_it_is_none() -> None:
    """At lr = eps / 10 it is plain descent at 0.1, which learns."""
    (found,) = asked(10.0, lr=1.0)
    assert (found.severity, found.title) == ("info", "Epsilon is larger than the gradients")


def test_small_ones_are_not_mentioned() -> None:
    assert asked(1e-8) == asked(1e-5) == []
