"""The Wasserstein distance against closed forms, all permutations, SciPy and POT; its proof, and what is refused."""

import math
from itertools import permutations

import numpy as np
import pytest
import torch
from scipy.stats import wasserstein_distance, wasserstein_distance_nd

import snellen.instruments.transport.wasserstein as module
from snellen._errors import InputError, NotApplicable, UsageError
from snellen.instruments.transport.wasserstein import Transport, wasserstein

rng = np.random.default_rng(0)


def proven(found: Transport) -> float:
    """The distance, once everything that makes it one was checked by other code than its own."""
    plan, n, m = found.plan.toarray(), *found.plan.shape
    assert (plan >= 0).all()
    values = np.concatenate([found.potential_a, found.potential_b])
    assert values.min() == 0
    assert values.shape == (n + m,)
    assert found.certificate.holds
    assert found.distance == found.certificate.primal
    return found.distance


def test_the_two_points_of_exercise_12() -> None:
    found = wasserstein([[3, 1]], [[-2, 2]])
    assert proven(found) == math.sqrt(26)
    assert found.potential_a - found.potential_b == pytest.approx([math.sqrt(26)], rel=1e-15)
    assert found.plan.toarray().tolist() == [[1.0]]


@pytest.mark.parametrize(("n", "d"), [(1, 1), (7, 1), (6, 2), (12, 5)])
def test_a_sample_that_is_moved_as_a_whole(n: int, d: int) -> None:
    a, c = rng.normal(size=(n, d)), rng.normal(size=d)
    assert proven(wasserstein(a, a + c)) == pytest.approx(np.linalg.norm(c), rel=1e-12)
    assert proven(wasserstein(a, rng.permutation(a))) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("n", "m"), [(1, 1), (5, 5), (3, 7), (40, 23)])
def test_on_a_line_it_is_what_scipy_says(n: int, m: int) -> None:
    a, b, of_a, of_b = rng.normal(size=n), rng.normal(size=m) + 1, rng.random(n), rng.random(m)
    assert proven(wasserstein(a, b)) == pytest.approx(wasserstein_distance(a, b), rel=1e-12)
    weighted = wasserstein(a, b, weights_a=of_a, weights_b=3 * of_b)
    assert proven(weighted) == pytest.approx(wasserstein_distance(a, b, of_a, of_b), rel=1e-12)
    assert weighted.plan.sum(1) == pytest.approx(of_a / of_a.sum(), abs=1e-14)
    assert weighted.method == "line"
    assert weighted.plan.nnz < n + m


def test_ties_and_equal_points_on_a_line() -> None:
    a, b = np.array([0, 0, 1, 1, 2]), np.array([0, 1, 1, 1, 2, 2, 2])
    assert proven(wasserstein(a, b)) == pytest.approx(wasserstein_distance(a, b), rel=1e-12)
    assert proven(wasserstein([2.0, 2.0], [2.0])) == 0


@pytest.mark.parametrize("n", [2, 4, 6])
def test_in_space_it_is_the_best_of_all_permutations(n: int) -> None:
    a, b = rng.normal(size=(n, 3)), rng.normal(size=(n, 3))
    far = np.linalg.norm(a[:, None] - b, axis=2)
    best = min(sum(far[i, j] for i, j in enumerate(order)) / n for order in permutations(range(n)))
    found = wasserstein(a, b)
    assert proven(found) == pytest.approx(best, rel=1e-12)
    assert found.method == "assignment"
    assert sorted(found.plan.data) == [1 / n] * n


@pytest.mark.parametrize(("n", "m"), [(1, 4), (7, 5), (12, 18)])
def test_in_space_other_sizes_and_weights_are_a_linear_program(n: int, m: int) -> None:
    a, b, of_a, of_b = rng.normal(size=(n, 2)), rng.normal(size=(m, 2)), rng.random(n) + 0.1, rng.random(m) + 0.1
    found = wasserstein(a, b, weights_a=of_a, weights_b=of_b)
    assert proven(found) == pytest.approx(wasserstein_distance_nd(a, b, of_a, of_b), rel=1e-8)
    assert found.method == "linear program"
    assert proven(wasserstein(a, b)) == pytest.approx(wasserstein_distance_nd(a, b), rel=1e-8)


def test_the_two_solvers_and_the_line_agree() -> None:
    a, b = rng.normal(size=(9, 2)), rng.normal(size=(9, 2))
    nearly = np.ones(9) + np.eye(9)[0] * 1e-15
    assert wasserstein(a, b).distance == pytest.approx(
        wasserstein(a, b, weights_a=nearly, weights_b=2 * np.ones(9)).distance, rel=1e-12
    )
    flat = wasserstein(np.c_[a[:, 0], np.zeros(9)], np.c_[b[:5, 0], np.zeros(5)])
    assert flat.distance == pytest.approx(wasserstein(a[:, 0], b[:5, 0]).distance, rel=1e-12)


def test_pot_says_the_same() -> None:
    ot = pytest.importorskip("ot")
    a, b = rng.normal(size=(30, 4)), rng.normal(size=(20, 4)) + 0.5
    assert proven(wasserstein(a, b)) == pytest.approx(ot.emd2([], [], ot.dist(a, b, metric="euclidean")), rel=1e-9)


def test_the_function_is_1_lipschitz_everywhere() -> None:
    a, b = rng.normal(size=(8, 3)), rng.normal(size=(5, 3)) + 1
    found = wasserstein(a, b)
    assert found.potential(a) == pytest.approx(found.potential_a, abs=1e-12)
    assert found.potential(b) == pytest.approx(found.potential_b, abs=1e-12)
    places = rng.normal(size=(200, 3)) * 3
    values, far = found.potential(places), np.linalg.norm(places[:, None] - places, axis=2)
    assert (abs(values[:, None] - values) <= far + 1e-12).all()
    with pytest.raises(InputError, match="places must have 3 coordinates, got 2"):
        found.potential([[1.0, 2.0]])


def test_far_from_zero_and_tiny_samples_are_as_exact() -> None:
    a, b = rng.normal(size=(20, 2)), rng.normal(size=(20, 2)) + 1
    once = wasserstein(a, b).distance
    assert wasserstein(a * 1e-9, b * 1e-9).distance == pytest.approx(once * 1e-9, rel=1e-9)
    assert wasserstein(a * 1e9, b * 1e9).distance == pytest.approx(once * 1e9, rel=1e-9)
    assert proven(wasserstein(a[:9] + 1e6, b + 1e6)) == pytest.approx(wasserstein(a[:9], b).distance, rel=1e-6)


def test_a_tensor_that_asks_for_a_gradient_is_a_sample() -> None:
    a = torch.ones(2, 3, requires_grad=True)
    assert wasserstein(a, torch.zeros(2, 3)).distance == pytest.approx(math.sqrt(3))


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        ([[1.0, 2.0]], [[1.0]], "the points of A have 2 coordinates, those of B 1"),
        ([], [1.0], r"A must be .* hold something, got the shape \(0, 1\)"),
        ([1.0], [1.0, math.nan, math.inf], "B must be finite, and 2 of its 3 points are not; the first is number 2"),
        (np.zeros((2, 3, 4)), [1.0], r"got the shape \(2, 3, 4\)"),
        ([[1.0], [2.0, 3.0]], [1.0], "the same number of coordinates each"),
        (["one"], [1.0], "A must be points"),
    ],
)
def test_samples_that_are_none(a: object, b: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        wasserstein(a, b)  # type: ignore[arg-type]


@pytest.mark.parametrize("weights", [[1.0], [1.0, -1.0], [0.0, 0.0], [1.0, math.nan]])
def test_weights_that_are_none(weights: list[float]) -> None:
    with pytest.raises(UsageError, match="weights_a must be"):
        wasserstein([1.0, 2.0], [1.0], weights_a=weights)


def test_pairs_that_no_memory_holds_are_refused_with_their_bytes() -> None:
    many = np.zeros((20_000, 2))
    with pytest.raises(InputError, match=r"20,000 x 20,000 pairs of points need 6,400,000,000 bytes for the assign"):
        wasserstein(many, many)
    with pytest.raises(InputError, match=r"linear program, .* take fewer points"):
        wasserstein(many, many[:-1])


def test_an_answer_that_fails_the_check_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = rng.normal(size=(6, 2)), rng.normal(size=(6, 2))
    right = module.assigned

    def crossed(cost: np.ndarray) -> tuple[object, np.ndarray]:
        plan, dual = right(cost)
        plan.coords = (plan.row, np.roll(plan.col, 1))
        return plan, dual

    monkeypatch.setattr(module, "assigned", crossed)
    with pytest.raises(NotApplicable, match="the assignment was not solved to 1e-9: its plan costs"):
        wasserstein(a, b)
