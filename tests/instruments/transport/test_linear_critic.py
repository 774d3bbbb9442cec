"""Exercise 12 and every other verdict on f(x) = w·x, against brute force over directions."""

import math
import re

import numpy as np
import pytest

from snellen._errors import InputError, UsageError
from snellen.instruments.transport.linear_critic import linear_critic

A, B = [[3.0, 1.0]], [[-2.0, 2.0]]
rng = np.random.default_rng(3)


def test_exercise_12() -> None:
    found = linear_critic([0.3, -0.5], A, B)
    assert found.lipschitz == pytest.approx(math.sqrt(0.34), rel=1e-15)
    assert found.lipschitz < 1
    assert found.value == pytest.approx(2.0, rel=1e-15)
    assert found.gradient.tolist() == [5.0, -1.0]
    assert found.verdict == "not optimal"
    assert found.transport.distance == pytest.approx(math.sqrt(26), rel=1e-15)
    assert found.best == pytest.approx(np.array([5, -1]) / math.sqrt(26), rel=1e-15)
    assert found.best_value == pytest.approx(math.sqrt(26), rel=1e-15)
    assert found.best_is_optimal
    step = found.step
    assert step is not None
    assert step.longest == pytest.approx(0.1, rel=1e-12)
    assert step.weights == pytest.approx([0.55, -0.55], rel=1e-12)
    assert step.lipschitz == pytest.approx(0.55 * math.sqrt(2))
    assert step.value == pytest.approx(3.3)
    assert np.linalg.norm(found.weights + step.longest * found.gradient) == pytest.approx(1, rel=1e-15)


def test_the_gradient_is_the_change_of_the_value() -> None:
    a, b, w = rng.normal(size=(4, 3)), rng.normal(size=(6, 3)), rng.normal(size=3) / 4
    found = linear_critic(w, a, b)
    for axis in np.eye(3):
        ahead, behind = (linear_critic(w + sign * 1e-4 * axis, a, b).value for sign in (1, -1))
        assert (ahead - behind) / 2e-4 == pytest.approx(found.gradient @ axis, rel=1e-6)


def test_no_direction_says_more_than_the_best() -> None:
    a, b = rng.normal(size=(5, 2)), rng.normal(size=(5, 2)) + 1
    found = linear_critic([0.1, 0.1], a, b)
    said = [linear_critic([math.cos(t), math.sin(t)], a, b).value for t in np.linspace(0, 2 * math.pi, 100)]
    assert max(said) <= found.best_value <= found.transport.distance
    assert max(said) == pytest.approx(found.best_value, rel=5e-3)
    assert np.linalg.norm(found.best) == pytest.approx(1)


@pytest.mark.parametrize(
    ("w", "a", "b", "verdict", "words", "steps"),
    [
        ([0.8, -0.6], A, B, "not optimal", "K.w. = 1, where a gradient that is not 0 proves nothing", False),
        ([3.0, 4.0], A, B, "not admissible", "f / K says 2.2, and W1 = 5.099", False),
        (np.array([5, -1]) / math.sqrt(26), A, B, "optimal", "K.w. = 1, and a step along it leaves Lip_1", False),
        ([0.0, 0.0], A, B, "not optimal", "K.w. < 1 and the gradient is not 0", True),
        ([0.5], [-1.0, 1.0], [0.0], "not optimal", "the same mean, .* Only a function that is not linear", False),
        ([0.5], [1.0, 2.0], [2.0, 1.0], "optimal", "both samples have the same mean", False),
        ([1.0], [-1.0, 4.0], [0.0], "not optimal", "w is the best linear critic", False),
        ([-1.0], [3.0], [0.0], "not optimal", "w does not point along the gradient", False),
        ([1.0], [3.0, 5.0], [0.0, 1.0], "optimal", "no 1-Lipschitz function says more", False),
    ],
)
def test_every_verdict(w: object, a: object, b: object, verdict: str, words: str, steps: bool) -> None:
    found = linear_critic(w, a, b)  # type: ignore[arg-type]
    assert found.verdict == verdict
    assert re.search(words, found.reason), found.reason
    assert (found.step is not None) == steps
    assert found.value <= found.lipschitz * found.transport.distance + 1e-12


def test_a_step_stays_inside_and_says_more() -> None:
    for seed in range(20):
        random = np.random.default_rng(seed)
        w = random.normal(size=4)
        inside = 0.9 * random.random() * w / np.linalg.norm(w)
        found = linear_critic(inside, random.normal(size=(3, 4)), np.zeros((2, 4)))
        assert found.step is not None
        assert found.step.lipschitz < 1
        assert found.value < found.step.value < found.transport.distance + 1e-12


def test_what_is_refused() -> None:
    with pytest.raises(UsageError, match=r"one finite weight a coordinate, 2 here, got \[1.0\]"):
        linear_critic([1.0], A, B)
    with pytest.raises(UsageError, match="finite weight"):
        linear_critic([1.0, math.nan], A, B)
    with pytest.raises(InputError, match="coordinates"):
        linear_critic([1.0], A, [[1.0]])
