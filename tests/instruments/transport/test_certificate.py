"""The check of a transport: what is right passes, and each of the four ways to be wrong does not."""

import numpy as np
import pytest
from scipy.sparse import coo_array

from snellen.instruments.transport.certificate import Certificate, certify, lipschitz_on

A, B = np.array([[0.0, 0.0], [0.0, 1.0]]), np.array([[3.0, 0.0], [3.0, 1.0]])
HALF = np.array([0.5, 0.5])
PLAN, ON_A, ON_B = np.diag(HALF), np.array([3.0, 3.0]), np.zeros(2)


def checked(plan: np.ndarray = PLAN, on_a: np.ndarray = ON_A, on_b: np.ndarray = ON_B) -> Certificate:
    return certify((A, B), (HALF, HALF), coo_array(plan), (on_a, on_b))


def test_what_is_right_passes() -> None:
    found = checked()
    assert (found.primal, found.dual, found.gap, found.masses, found.holds) == (3.0, 3.0, 0.0, 0.0, True)
    assert found.lipschitz == pytest.approx(1, abs=1e-12)
    assert found.scale == pytest.approx(np.sqrt(10))


def test_what_is_wrong_does_not() -> None:
    crossed = checked(plan=PLAN[::-1])
    assert not crossed.holds
    assert crossed.gap == pytest.approx(np.sqrt(10) - 3)
    low = checked(on_a=ON_A - 1e-6)
    assert not low.holds
    assert low.lipschitz < 1
    steep = checked(on_a=ON_A + np.array([1e-6, -1e-6]))
    assert not steep.holds
    assert steep.gap == pytest.approx(0)
    assert steep.lipschitz == pytest.approx(1 + 1e-6 / 3)
    missing = checked(plan=PLAN * (1 - 1e-6), on_a=ON_A * (1 - 1e-6))
    assert not missing.holds
    assert missing.masses == pytest.approx(5e-7)
    negative = checked(plan=PLAN + np.array([[1e-3, -1e-3], [-1e-3, 1e-3]]))
    assert negative.masses == pytest.approx(1e-3)


@pytest.mark.parametrize(("n", "d"), [(30, 1), (30, 4), (1_700, 2)])
def test_the_steepest_pair_is_found(n: int, d: int) -> None:
    rng = np.random.default_rng(n + d)
    places, values = rng.normal(size=(n, d)), rng.normal(size=n)
    best = 0.0
    for i in range(n):
        far = np.linalg.norm(places[i + 1 :] - places[i], axis=1)
        best = max(best, (abs(values[i + 1 :] - values[i]) / far).max(initial=0))
    assert lipschitz_on(places, values) == pytest.approx(best, rel=1e-6)


def test_rounding_between_points_that_nearly_coincide_is_no_slope() -> None:
    places, values = np.array([[1.0, 0.0], [1.0 + 2e-16, 0.0], [2.0, 0.0]]), np.array([1.0, 1.0 + 4e-16, 2.0])
    assert lipschitz_on(places, values) <= 1
    assert lipschitz_on(np.zeros((2, 2)), np.array([0.0, 1.0])) == np.inf
