"""What is said of parameters that nobody trains."""

import copy

from torch import optim

from healthy import CE, classifier, images
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
