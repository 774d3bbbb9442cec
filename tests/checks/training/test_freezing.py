"""Freezing that says one thing and does another."""

from typing import Any

import torch

from healthy import CE, classifier, images, sgd, trained
from snellen.checks.training.freezing import Freezing
from snellen.training.health.observe import observe


def asked(network: Any, parameters: Any) -> list[tuple[str, str]]:
    return [(f.severity, f.title) for f in Freezing()(observe(network, sgd(parameters), images(), CE))]


def test_an_attribute_of_a_module_freezes_and_unfreezes_nothing() -> None:
    network: Any = trained(classifier())
    network[0].requires_grad = False
    assert asked(network, network.parameters()) == [("warning", "An attribute that does nothing")]
    network.requires_grad_(False)
    network[3].requires_grad_(True)
    network[0].requires_grad = True
    assert asked(network, network.parameters()) == [("error", "An attribute that does nothing")]
    network[0].requires_grad_(True)
    assert asked(network, network.parameters()) == []


def test_a_block_that_was_unfrozen_after_the_optimizer_was_made() -> None:
    torch.manual_seed(0)
    network: Any = trained(classifier())
    body = network[0]
    body.requires_grad_(False)
    head = [p for p in network.parameters() if p.requires_grad]
    body[7].requires_grad_(True)
    assert asked(network, head) == [("warning", "Unfrozen and in no optimizer")]
    body.requires_grad_(True)  # a linear probe by its optimizer alone
    assert asked(network, head) == []
