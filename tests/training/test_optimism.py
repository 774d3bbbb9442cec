"""The simulation against exact order statistics, the exact ones against enumeration."""

import itertools
import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from snellen._errors import UsageError
from snellen.training.optimism import expected_best, optimism


def enumerated(images: int, candidates: int, p: float, r: float) -> float:
    """E[max] over every outcome: which images are common, and what everybody answers."""
    total = 0.0
    for common in itertools.product((False, True), repeat=images):
        free = [candidates if not c else 1 for c in common]
        weight = math.prod(r if c else 1 - r for c in common)
        for answers in itertools.product(*(itertools.product((0, 1), repeat=f) for f in free)):
            chance = weight * math.prod(p if a else 1 - p for image in answers for a in image)
            counts = [sum(image[j] if len(image) > 1 else image[0] for image in answers) for j in range(candidates)]
            total += chance * max(counts) / images
    return total


@pytest.mark.parametrize(
    ("images", "candidates", "p", "r"), [(1, 2, 0.5, 0.0), (3, 2, 0.7, 0.0), (2, 3, 0.9, 0.0), (3, 2, 0.7, 0.4)]
)
def test_the_exact_value_is_that_of_every_outcome(images: int, candidates: int, p: float, r: float) -> None:
    assert expected_best(images, candidates, p, correlation=r) == pytest.approx(
        enumerated(images, candidates, p, r), abs=1e-12
    )


def test_the_exact_value_is_the_order_statistic_of_the_binomial() -> None:
    n, k, p = 40, 6, 0.8
    x = np.arange(n + 1)
    below = binom.cdf(x, n, p) ** k
    plain = float((x * np.diff(np.concatenate([[0], below]))).sum()) / n
    assert expected_best(n, k, p) == pytest.approx(plain, abs=1e-12)


@pytest.mark.parametrize("r", [0.0, 0.3, 0.8])
@pytest.mark.parametrize(("images", "candidates", "p"), [(30, 4, 0.6), (500, 20, 0.93)])
def test_the_simulation_agrees_with_the_exact_value(images: int, candidates: int, p: float, r: float) -> None:
    found = optimism(images, [p] * candidates, correlation=r, draws=20_000, seed=3)
    assert abs(found.mean - (expected_best(images, candidates, p, correlation=r) - p)) < 4 * found.error
    assert found.low < found.mean < found.high


def test_a_large_set_leaves_out_sizes_and_stays_exact() -> None:
    n, k, p, r = 3_000, 8, 0.9, 0.5
    sizes = np.arange(n + 1)
    x = np.arange(n + 1)
    near = np.abs(sizes - n * (1 - r)) < 200
    every = sum(
        binom.pmf(m, n, 1 - r) * (m - (binom.cdf(x[:m], m, p) ** k).sum()) for m in sizes[near]
    )  # E[max] = m - sum of F^k
    assert expected_best(n, k, p, correlation=r) == pytest.approx((every + r * p * n) / n, abs=1e-9)


def test_unequal_candidates_against_drawing_every_answer() -> None:
    rng = np.random.default_rng(0)
    p, n, r = np.array([0.7, 0.8, 0.75]), 25, 0.5
    over = []
    for _ in range(20_000):
        common = rng.random(n) < r
        numbers = np.where(common, rng.random(n), rng.random((3, n)))
        counts = (numbers < p[:, None]).sum(1)
        chosen = counts.argmax()
        over.append(counts[chosen] / n - p[chosen])
    found = optimism(n, p.tolist(), correlation=r, draws=20_000)
    slow = np.std(over) / math.sqrt(len(over))
    assert abs(found.mean - np.mean(over)) < 4 * math.hypot(found.error, slow)


def test_what_must_be_so() -> None:
    assert abs(optimism(200, [0.9], draws=20_000).mean) < 4 * optimism(200, [0.9]).error  # one look is no choice
    assert optimism(200, [0.9] * 10, correlation=1.0).mean == pytest.approx(0, abs=1e-3)  # all answer alike
    assert expected_best(200, 10, 0.9, correlation=1.0) == pytest.approx(0.9, abs=1e-12)
    assert expected_best(50, 5, 1.0) == 1.0
    assert expected_best(50, 5, 0.0) == 0.0
    apart, alike = optimism(200, [0.5, 0.9]), optimism(200, [0.9, 0.9])
    assert abs(apart.mean) < 4 * apart.error + 1e-6 < alike.mean  # a clear winner is no choice either
    assert optimism(100, [0.8, 0.8], seed=1) == optimism(100, [0.8, 0.8], seed=1)
    more = [expected_best(100, k, 0.9) for k in (1, 2, 4, 8)]
    assert more == sorted(more)
    assert more[0] == pytest.approx(0.9, abs=1e-12)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"images": 0, "accuracies": [0.5]}, "at least 1 image and 1 candidate, got 0 and 1"),
        ({"images": 5, "accuracies": []}, "got 5 and 0"),
        ({"images": 5, "accuracies": [1.5]}, "from 0 to 1, got .1.5."),
        ({"images": 5, "accuracies": [math.nan]}, "from 0 to 1"),
        ({"images": 5, "accuracies": [0.5], "correlation": -0.1}, "from 0 to 1"),
        ({"images": 5, "accuracies": [0.5], "draws": 0}, "at least one draw, got 0"),
    ],
)
def test_what_is_refused(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        optimism(**arguments)


@pytest.mark.parametrize("arguments", [(0, 1, 0.5), (1, 0, 0.5), (1, 1, math.nan), (1, 1, -0.5)])
def test_the_exact_value_refuses_the_same(arguments: tuple[int, int, float]) -> None:
    with pytest.raises(UsageError):
        expected_best(*arguments)
