"""The bound from below: closed forms, never above the bound from above, all axes of a sample."""

import math

import pytest
import torch
from torch import Tensor, nn

from snellen._errors import InputError, UsageError
from snellen.instruments.transport.lipschitz_lower import lipschitz_lower
from snellen.instruments.transport.lipschitz_upper import lipschitz_upper
from untouched import untouched

A, B = torch.rand(2, 7, 3, 2, 2, generator=torch.Generator().manual_seed(0))


def test_a_linear_critic_on_images() -> None:
    weight = torch.arange(12.0).view(3, 2, 2)
    found = lipschitz_lower(lambda x: (x * weight).flatten(1).sum(1, keepdim=True), A, B)
    assert found.value == pytest.approx(float(weight.norm()), rel=1e-6), "over all axes, and not the channels alone"
    assert found.median == pytest.approx(float(weight.norm()), rel=1e-6)
    assert found.dual == pytest.approx(float((weight * (A.mean(0) - B.mean(0))).sum()), rel=1e-5)
    assert found.places == 1_014


def test_the_steepest_place_is_named() -> None:
    a, b = torch.zeros(2, 1), torch.ones(3, 1)
    assert lipschitz_lower(lambda x: x**2, a, b).where == "B"
    assert lipschitz_lower(lambda x: x**2, a, b).value == pytest.approx(2)
    assert lipschitz_lower(lambda x: (1 - x) ** 2, a, b).where == "A"
    bump = lipschitz_lower(lambda x: torch.exp(-((x - 0.5) ** 2) / 0.005), a, b)
    assert bump.where == "between"
    assert bump.value == pytest.approx(20 * math.exp(-0.5), rel=0.02), "exp(-x^2 / 2 s^2) has 1 / (s sqrt e), s = 0.05"


def test_a_step_that_no_gradient_sees() -> None:
    found = lipschitz_lower(lambda x: torch.floor(x) + 0 * x, torch.zeros(2, 1), torch.full((2, 1), 1.5))
    assert (found.where, found.value) == ("pair", pytest.approx(1 / 1.5))


def test_it_is_never_above_the_bound_from_above() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net = nn.Sequential(
            *(nn.Conv2d(3, 4, 2), nn.BatchNorm2d(4), nn.LeakyReLU(0.2), nn.Dropout(), nn.Flatten(), nn.Linear(4, 1))
        ).train()
    with untouched(net):
        found = lipschitz_lower(net, A, B)
    assert 0 < found.value <= lipschitz_upper(net, (3, 2, 2)).value
    assert lipschitz_lower(net, A, B, seed=0).value == found.value


def nothing(x: Tensor) -> Tensor:
    return torch.full((len(x),), torch.nan) * x.flatten(1)[:, 0]


def test_what_is_refused() -> None:
    with pytest.raises(UsageError, match="samples of one shape"):
        lipschitz_lower(lambda x: x, A, B[:, :1])
    with pytest.raises(UsageError, match="one score a sample"):
        lipschitz_lower(lambda x: x, A, B)
    with pytest.raises(UsageError, match="do not depend on"):
        lipschitz_lower(lambda x: torch.zeros(len(x)), A, B)
    with pytest.raises(InputError, match="not finite"):
        lipschitz_lower(nothing, A, B)
