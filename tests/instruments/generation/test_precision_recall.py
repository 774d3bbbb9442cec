"""Precision and recall against loops, coverage against its expectation, and the test of a tight cluster."""

import math

import pytest
import torch

from snellen._errors import UsageError
from snellen.instruments.generation.precision_recall import precision_recall


def normal(count: int, seed: int, dimensions: int = 8) -> torch.Tensor:
    return torch.randn(count, dimensions, generator=torch.Generator().manual_seed(seed))


def test_all_numbers_are_those_of_loops() -> None:
    x, y, k = (normal(16, 0, 3) + 0.5).tolist(), normal(20, 1, 3).tolist(), 2

    def radius(points: list[list[float]], i: int) -> float:
        return sorted(math.dist(points[i], p) for j, p in enumerate(points) if j != i)[k - 1]

    balls = [[math.dist(a, b) <= radius(y, j) for j, b in enumerate(y)] for a in x]
    reached = [any(math.dist(a, b) <= radius(x, i) for i, a in enumerate(x)) for b in y]
    found = precision_recall(torch.tensor(x), torch.tensor(y), k=k)
    assert found.realistic.tolist() == [any(row) for row in balls]
    assert found.reached.tolist() == reached
    assert found.density == pytest.approx(sum(map(sum, balls)) / (k * 16))
    assert found.coverage == pytest.approx(sum(map(any, zip(*balls, strict=True))) / 20)


def test_a_tight_cluster_is_precise_and_recalls_little() -> None:
    """The asymmetric test of torch-fidelity: precision above 0.8, recall below 0.3."""
    real = normal(400, 0)
    cluster = 0.1 * normal(400, 1) + real[real.norm(dim=1).argmin()]
    found = precision_recall(cluster, real)
    assert found.precision > 0.8
    assert found.recall < 0.3
    turned = precision_recall(real, cluster)
    assert (turned.precision, turned.recall) == (found.recall, found.precision)


def test_the_coverage_of_equal_distributions_is_as_expected() -> None:
    found = [precision_recall(normal(300, 2 * s), normal(200, 2 * s + 1)) for s in range(4)]
    assert sum(f.coverage for f in found) / 4 == pytest.approx(found[0].expected_coverage, abs=0.03)
    assert sum(f.density for f in found) / 4 == pytest.approx(1, abs=0.1)


def test_copies_of_real_points_are_precise() -> None:
    real = normal(60, 3, 200)
    found = precision_recall(real.clone(), real)
    assert (found.precision, found.recall) == (1.0, 1.0)


def test_too_few_points() -> None:
    with pytest.raises(UsageError, match="k must be from 1 to 2, got 3"):
        precision_recall(normal(3, 0), normal(9, 1))
