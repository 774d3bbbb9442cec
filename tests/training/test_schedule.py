"""The schedule: a rate that rises and falls, and which parameters decay."""

import math

import pytest
import torch
from torch import nn

from snellen._errors import UsageError
from snellen.training.schedule import Schedule


def test_the_rate_rises_and_falls_along_the_cycle() -> None:
    schedule = Schedule(1000, learning_rate=2.0, warm_up=0.2)
    rates = [schedule.rate(step) for step in range(1000)]
    assert rates.index(max(rates)) == 199
    assert max(rates) == pytest.approx(2.0)
    assert rates[0] == pytest.approx(0.2)
    assert rates[-1] == pytest.approx(0.02)
    assert rates == [*sorted(rates[:200]), *sorted(rates[200:], reverse=True)]


def test_without_a_cycle_the_rate_stays() -> None:
    schedule = Schedule(50, learning_rate=0.3, cycle=False)
    assert {schedule.rate(step) for step in range(50)} == {0.3}
    assert schedule.optimizer_of(nn.Linear(2, 2)).param_groups[0]["lr"] == 0.3


@pytest.mark.parametrize("steps", [1, 2, 3, 7])
def test_short_schedules_have_rates(steps: int) -> None:
    assert all(0 < Schedule(steps).rate(step) <= 2e-3 + 1e-9 for step in range(steps))


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0},
        {"learning_rate": 0.0},
        {"learning_rate": math.nan},
        {"average": 1.0},
        {"warm_up": 0.0},
        {"weight_decay": -1.0},
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="a schedule needs"):
        Schedule(**{"steps": 5, **wrong})  # type: ignore[arg-type]


def test_an_unknown_optimizer_is_refused() -> None:
    with pytest.raises(UsageError, match="did you mean adamw"):
        Schedule(5, optimizer="adam")


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_norms_and_biases_do_not_decay(optimizer: str) -> None:
    """Where the gradient is 0 the first step is the decay alone: w (1 - rate decay)."""
    module = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    module[2].requires_grad_(False)
    before = {name: p.detach().clone() for name, p in module.named_parameters()}
    schedule = Schedule(5, learning_rate=0.1, weight_decay=0.5, optimizer=optimizer, decay_all=False)
    made = schedule.optimizer_of(module)
    if optimizer == "sgd":
        assert all(g["momentum"] == 0.9 and g["nesterov"] for g in made.param_groups)
    for p in module.parameters():
        p.grad = torch.zeros_like(p) if p.requires_grad else None
    made.step()
    rate = schedule.rate(0)
    nesterov = 1.9 if optimizer == "sgd" else 1.0  # the decay is part of the gradient, and the first step is g + 0.9 g
    for name, p in module.named_parameters():
        factor = 1 - rate * 0.5 * nesterov if name == "0.weight" else 1.0
        assert torch.allclose(p, before[name] * factor), name


def test_all_decay_if_that_is_wanted() -> None:
    (group,) = Schedule(5).optimizer_of(nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))).param_groups
    assert len(group["params"]) == 4
    assert group["weight_decay"] == 0.05
