"""Layers without an activation between them are named; narrow places and single projections are left in peace."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from healthy import CE, SetUp, images, sgd
from snellen.checks.training.linear_run import LinearRuns
from snellen.findings.finding import Finding
from snellen.training.health.observe import observe


def conv(inside: int, outside: int) -> nn.Module:
    return nn.Conv2d(inside, outside, 3, padding=1)


def net(*layers: nn.Module) -> nn.Module:
    return nn.Sequential(nn.AvgPool2d(4), *layers)


def head() -> tuple[nn.Module, ...]:
    return nn.Flatten(), nn.Linear(72, 4)


FOUND: dict[str, tuple[Callable[[], nn.Module], str, str]] = {
    "three linear layers": (
        lambda: net(nn.Flatten(), nn.Linear(27, 16), nn.Linear(16, 16), nn.Linear(16, 4)), "is linear", "2, 3 and 4",
    ),
    "two linear layers": (lambda: net(nn.Flatten(), nn.Linear(27, 16), nn.Linear(16, 4)), "is linear", "2 and 3"),
    "filters and normalisation": (
        lambda: net(conv(3, 8), nn.BatchNorm2d(8), conv(8, 8), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(72, 4)),
        "is linear", "1, 3 and 6",
    ),
    "three of five": (
        lambda: net(conv(3, 8), nn.ReLU(), conv(8, 8), conv(8, 8), conv(8, 8), nn.ReLU(), *head()),
        "without an activation", "3, 4 and 5",
    ),
}  # fmt: skip
ALONE: dict[str, Callable[[], nn.Module]] = {
    "activations": lambda: net(conv(3, 8), nn.ReLU(), conv(8, 8), nn.SiLU(), nn.Flatten(), nn.Linear(72, 4)),
    "one layer": lambda: net(nn.Flatten(), nn.Linear(27, 4)),
    "low rank": lambda: net(nn.Flatten(), nn.Linear(27, 2), nn.Linear(2, 4)),
    "a projection before the head": lambda: net(conv(3, 8), nn.ReLU(), nn.Flatten(), nn.Linear(72, 8), nn.Linear(8, 4)),
    "bottlenecks between blocks": lambda: net(
        conv(3, 16), nn.ReLU(), conv(16, 4), conv(4, 16), nn.ReLU(), conv(16, 4), nn.Flatten(), nn.Linear(36, 4)
    ),
    "by channel, then across": lambda: net(
        conv(3, 8),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, padding=1, groups=8),
        nn.Conv2d(8, 8, 1),
        nn.Flatten(),
        nn.Linear(72, 4),
    ),
    "layer norms": lambda: net(
        nn.Flatten(), nn.Linear(27, 16), nn.LayerNorm(16), nn.Linear(16, 16), nn.LayerNorm(16), nn.Linear(16, 4)
    ),
}


def asked(network: nn.Module) -> list[Finding]:
    at = SetUp(network, sgd(network.parameters()), images(), CE)
    return list(LinearRuns()(observe(*at)))


@pytest.mark.parametrize("name", FOUND)
def test_layers_that_could_be_one_are_named(name: str) -> None:
    torch.manual_seed(0)
    make, title, names = FOUND[name]
    (found,) = asked(make())
    assert found.severity == "warning"
    assert title in found.title
    assert found.sentence.startswith(f"{names} follow")


@pytest.mark.parametrize("name", ALONE)
def test_what_is_meant_is_left_in_peace(name: str) -> None:
    torch.manual_seed(0)
    assert asked(ALONE[name]()) == []
