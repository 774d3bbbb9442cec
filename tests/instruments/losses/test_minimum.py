"""The closed forms against a grid, the search, the slope, and the numbers of the exam."""

import math
from typing import Any

import numpy as np
import pytest

from snellen._errors import UsageError
from snellen.instruments.losses.minimum import PENALTIES, Penalty, minimum, objective, searched

BOUNDED = [(p, s) for p in PENALTIES for s in (True, False) if (p, s) != ("none", False)]


def test_the_answers_of_the_exam() -> None:
    golden = (1 + math.sqrt(5)) / 4
    assert minimum("none").z == minimum("l1").z == (1.0, 0.0)
    assert minimum("l2").z == (golden, 1 - golden)
    assert minimum("l2", stochastic=False).z == (math.sqrt(0.5), 0.0)
    assert minimum("l1", stochastic=False).z == (1.0, 0.0)
    assert minimum("none", stochastic=False) == searched("none", stochastic=False)
    assert minimum("none", stochastic=False).z is None
    assert minimum("none", stochastic=False).value == -math.inf
    assert [minimum(p).value for p in ("none", "l1")] == [0.0, 1.0]
    assert minimum("l2", stochastic=False).value == pytest.approx(math.log(2) / 2 + 0.5, abs=1e-15)


@pytest.mark.parametrize(("penalty", "stochastic"), BOUNDED)
def test_no_point_of_a_grid_is_lower(penalty: Penalty, stochastic: bool) -> None:
    found = minimum(penalty, stochastic=stochastic)
    if stochastic:
        z0 = np.linspace(1e-6, 1, 200_001)
        grid = np.stack([z0, 1 - z0], 1)
    else:
        grid = np.stack(np.meshgrid(np.linspace(1e-3, 3, 1_501), np.linspace(-1, 1, 401)), -1).reshape(-1, 2)
    losses = objective(grid, penalty)
    assert found.value <= losses.min() + 1e-15
    assert found.value == pytest.approx(losses.min(), abs=1e-5)
    assert found.z == pytest.approx(grid[losses.argmin()], abs=3e-3)


@pytest.mark.parametrize("strength", [0.1, 0.5, 1.0, 3.0])
@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize(("penalty", "stochastic"), BOUNDED)
def test_the_search_agrees(penalty: Penalty, stochastic: bool, classes: int, strength: float) -> None:
    formula = minimum(penalty, stochastic=stochastic, strength=strength, classes=classes)
    search = searched(penalty, stochastic=stochastic, strength=strength, classes=classes)
    assert search.z == pytest.approx(formula.z, abs=1e-4)
    assert search.value == pytest.approx(formula.value, abs=1e-8)


@pytest.mark.parametrize("classes", [2, 3, 10, 1000])
@pytest.mark.parametrize("strength", [0.2, 0.5, 0.51, 1.0, 40.0])
def test_the_multiplier_is_one_number_for_all_classes(strength: float, classes: int) -> None:
    """At the least stochastic vector all outputs above 0 have the same slope, and those at 0 none that is lower."""
    z = minimum("l2", strength=strength, classes=classes).z
    assert z is not None
    assert sum(z) == pytest.approx(1, abs=1e-12)
    true, other = 2 * strength * z[0] - 1 / z[0], 2 * strength * z[1]
    if strength <= 0.5:
        assert z[0] == 1
        assert other >= true
    else:
        assert z[0] < 1
        assert other == pytest.approx(true, abs=1e-9)


def test_one_norm_is_a_constant_on_stochastic_vectors() -> None:
    z = np.random.default_rng(0).dirichlet(np.ones(4), 50)
    assert objective(z, "l1", 0.7) - objective(z, "none") == pytest.approx(np.full(50, 0.7))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"penalty": "l3"}, "no penalty named 'l3'.*Known: l1, l2, none"),
        ({"penalty": "l2", "strength": 0.0}, "strength of a penalty must be a number above 0, got 0.0"),
        ({"penalty": "l2", "strength": -1.0}, "above 0, got -1"),
        ({"penalty": "l2", "strength": math.nan}, "above 0, got nan"),
        ({"penalty": "l2", "strength": math.inf}, "above 0, got inf"),
        ({"penalty": "l2", "classes": 1}, "at least 2 classes, got 1"),
    ],
)
def test_what_has_no_minimum_to_ask_for(arguments: dict[str, Any], words: str) -> None:
    for find in (minimum, searched):
        with pytest.raises(UsageError, match=words):
            find(**arguments)
