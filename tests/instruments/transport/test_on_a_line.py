"""Quantiles: the plan against the definition on a grid of levels, the function against its slope."""

import numpy as np
import pytest

from snellen.instruments.transport.on_a_line import line_potential, sorted_plan

rng = np.random.default_rng(1)
A, B, OF_A, OF_B = rng.normal(size=6), rng.normal(size=9), rng.dirichlet(np.ones(6)), rng.dirichlet(np.ones(9))


def quantile(places: np.ndarray, masses: np.ndarray, level: float) -> float:
    """The smallest place at or below which there is this much mass, by its definition."""
    order = np.argsort(places)
    return next(places[i] for i, up in zip(order, np.cumsum(masses[order]), strict=True) if up >= level - 1e-12)


def test_the_plan_joins_equal_quantiles() -> None:
    plan = sorted_plan(A, B, OF_A, OF_B)
    cost = float(plan.data @ abs(A[plan.row] - B[plan.col]))
    levels = (np.arange(3_000) + 0.5) / 3_000
    wanted = np.mean([abs(quantile(A, OF_A, u) - quantile(B, OF_B, u)) for u in levels])
    assert cost == pytest.approx(wanted, rel=5e-3)
    assert plan.sum(1) == pytest.approx(OF_A, abs=1e-15)
    assert plan.sum(0) == pytest.approx(OF_B, abs=1e-15)


def test_no_mass_overtakes_other_mass() -> None:
    plan = sorted_plan(A, B, OF_A, OF_B)
    moves = sorted(zip(A[plan.row], B[plan.col], strict=True))
    targets = [to for _, to in moves]
    assert targets == sorted(targets)


def test_the_function_has_slope_one_where_mass_passes() -> None:
    on_a, on_b = line_potential(np.array([0.0, 10.0]), np.array([4.0, 6.0]), np.full(2, 0.5), np.full(2, 0.5))
    assert on_a.tolist() == [4.0, 4.0]
    assert on_b.tolist() == [0.0, 0.0], "between 4 and 6 nothing passes, and the function is flat"
