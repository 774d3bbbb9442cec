"""What is said of parameters that nobody trains."""

import copy

import pytest
import torch
from torch import nn, optim

from healthy import CE, classifier, images, sgd, trained
from snellen.checks.training.parameters import Parameters
from snellen.training.health.observe import observe


def test_parameters_of_another_copy_are_forgotten_and_not_frozen_on_purpose() -> None:
    network = classifier()
    optimizer = optim.Adam(copy.deepcopy(network).parameters(), lr=1e-3)
    (finding,) = (f for f in Parameters()(observe(network, optimizer, images(), CE)) if f.severity == "error")
    count, numbers = len(list(network.parameters())), sum(p.numel() for p in network.parameters())
    assert finding.title == "Nothing is trained"
    assert f"is trained: {count} in no optimizer ({numbers:,} numbers)." in finding.sentence


def test_what_asks_for_no_gradient_is_frozen_on_purpose() -> None:
    network = classifier()
    list(network.parameters())[-1].requires_grad_(False)
    optimizer = optim.Adam(copy.deepcopy(network).parameters(), lr=1e-3)
    (finding,) = (f for f in Parameters()(observe(network, optimizer, images(), CE)) if f.severity == "error")
    assert "1 frozen on purpose (4 numbers)." in finding.sentence


@pytest.mark.parametrize("learnt", [False, True])
def test_a_last_layer_is_named_that_is_frozen_at_random_numbers(learnt: bool) -> None:
    torch.manual_seed(0)
    network = trained(classifier())
    network[3] = network[3] if learnt else nn.Linear(24, 4)
    network[3].requires_grad_(False)
    found = Parameters()(observe(network, sgd(network[0].parameters()), images(), CE))
    warned = [f.title for f in found if f.severity == "warning"]
    assert warned == [] if learnt else warned == ["The last layer is random and frozen: 3"]
