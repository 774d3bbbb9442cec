"""Wilson's interval against published values and its laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snellen.findings.interval import difference, paired, wilson


@pytest.mark.parametrize(
    ("successes", "count", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_newcombe_1998(successes: int, count: int, low: float, high: float) -> None:
    """Source: Newcombe 1998, Statistics in Medicine 17:857-872, table I, method 3 (score)."""
    assert [round(bound, 4) for bound in wilson(successes, count)] == [low, high]


def test_no_trials_say_nothing() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


def test_the_ends() -> None:
    assert wilson(0, 10)[0] == 0
    assert wilson(10, 10)[1] == pytest.approx(1, abs=1e-15)
    low, high = wilson(10, 10)
    assert wilson(0, 10) == pytest.approx((1 - high, 1 - low))


@given(count=st.integers(1, 10_000), share=st.floats(0, 1), z=st.floats(0.1, 4))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_it_solves_its_equation(count: int, share: float, z: float) -> None:
    """The bounds are the p0 at which (p - p0)^2 = z^2 p0 (1 - p0) / n."""
    p = share
    for bound in wilson(p * count, count, z=z):
        assert 0 <= bound <= 1
        assert (p - bound) ** 2 == pytest.approx(z * z * bound * (1 - bound) / count, abs=1e-9)
    low, high = wilson(p * count, count, z=z)
    assert low - 1e-12 <= p <= high + 1e-12


def test_the_interval_of_a_paired_difference() -> None:
    """By hand: 30 wins, 10 losses, 100 trials: p = 31/102, q = 11/102, half = 1.96 sqrt((p + q - (p - q)^2) / 102)."""
    low, high = paired(30, 10, 100)
    assert (low + high) / 2 == pytest.approx(20 / 102)
    assert (high - low) / 2 == pytest.approx(1.959964 * ((42 / 102 - (20 / 102) ** 2) / 102) ** 0.5)
    assert paired(10, 30, 100) == (-high, -low)
    assert paired(0, 0, 0) == (-1.0, 1.0)
    wider = paired(30, 10, 100, extra=0.01)
    assert wider[0] < low < high < wider[1]


def test_a_paired_interval_covers_the_true_difference() -> None:
    rng = np.random.default_rng(0)
    draws = rng.multinomial(80, [0.2, 0.1, 0.7], size=2000)
    covered = [low <= 0.1 <= high for low, high in (paired(w, v, 80) for w, v, _ in draws)]
    assert 0.935 < float(np.mean(covered)) < 0.975


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_differences_of_newcombe_1998(first: tuple[int, int], second: tuple[int, int], low: float, high: float) -> None:
    """Source: Newcombe 1998, Statistics in Medicine 17:873-890, table II, method 10 (score, no correction)."""
    assert [round(bound, 4) for bound in difference(first, second)] == [low, high]
    assert [round(-bound, 4) for bound in reversed(difference(second, first))] == [low, high]


def test_a_share_without_trials_leaves_the_difference_open() -> None:
    assert difference((0, 0), (3, 4)) == difference((3, 4), (0, 0)) == (-1.0, 1.0)
