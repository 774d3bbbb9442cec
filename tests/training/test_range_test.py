"""The range test on a parabola, whose stable rates are known, and what it leaves alone."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from snellen._errors import UsageError
from snellen.training.range_test import SHARE, RangeTest, range_test
from snellen.training.schedule import Schedule
from untouched import untouched


def valley(curvature: float) -> tuple[nn.Module, Callable[[nn.Module], Callable[[int], Tensor]]]:
    """A module with one weight at 1 and the loss 1 + curvature w^2 / 2."""
    module = nn.Linear(1, 1, bias=False)
    nn.init.ones_(module.weight)

    def losses(of: nn.Module) -> Callable[[int], Tensor]:
        return lambda _step: 1 + curvature / 2 * of(torch.ones(1, 1)).square().sum().float()

    return module, losses


def ranged(curvature: float, **more: int) -> RangeTest:
    module, losses = valley(curvature)
    return range_test(module, losses, Schedule(9, optimizer="sgd", weight_decay=0.0), seed=0, **more)


@pytest.mark.parametrize("curvature", [1.0, 10.0])
def test_gradient_descent_on_a_parabola_blows_up_past_its_stable_rate(curvature: float) -> None:
    """With momentum m a step is stable up to the rate 2 (1 + m) / curvature; Nesterov's less."""
    found = ranged(curvature, steps=150)
    assert found.chosen < 3.8 / curvature
    assert found.chosen == pytest.approx(SHARE * found.lowest, rel=0.05)
    assert found.blown or curvature == 1.0
    assert found.lowest * 100 > 1 / curvature


def test_ten_times_the_curvature_ten_times_less_rate() -> None:
    one, ten = ranged(1.0, steps=150), ranged(10.0, steps=150)
    assert 3 < one.chosen / ten.chosen < 30


def test_rates_grow_by_a_constant_factor() -> None:
    found = ranged(1.0, steps=20)
    factors = [b / a for a, b in zip(found.rates, found.rates[1:], strict=False)]
    assert factors == pytest.approx([1e6 ** (1 / 19)] * len(factors))
    assert found.rates[0] == 1e-5


def test_it_leaves_everything_as_it_was_and_answers_the_same_again() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 2)).train()

    def losses(of: nn.Module) -> Callable[[int], Tensor]:
        inputs = torch.arange(64.0).view(16, 4).sin()
        return lambda _step: nn.functional.cross_entropy(of(inputs).float(), (inputs[:, 0] > 0).long())

    found = []
    for _ in range(2):
        torch.rand(3)
        with untouched(module):
            found.append(range_test(module, losses, Schedule(9), seed=5, steps=30))
    assert found[0] == found[1]
    assert RangeTest(**found[0].plain) == found[0]


def test_what_cannot_be_tested_is_refused() -> None:
    with pytest.raises(UsageError, match="at least 10 steps, got 9"):
        ranged(1.0, steps=9)
    with pytest.raises(UsageError, match="not finite before any step"):
        ranged(float("nan"))
