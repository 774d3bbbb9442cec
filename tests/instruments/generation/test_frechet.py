"""The Fréchet distance against closed forms and against SciPy's square root of a matrix."""

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from snellen._errors import UsageError
from snellen.instruments.generation.frechet import frechet


def normal(count: int, dimensions: int, seed: int) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    mixed = torch.randn(count, dimensions, generator=random, dtype=torch.float64)
    return mixed @ torch.randn(dimensions, dimensions, generator=random, dtype=torch.float64)


def by_scipy(x: torch.Tensor, y: torch.Tensor) -> float:
    one, two = np.cov(x.numpy().T), np.cov(y.numpy().T)
    means = np.square(x.numpy().mean(0) - y.numpy().mean(0)).sum()
    return float(means + np.trace(one + two - 2 * np.real(sqrtm(one @ two))))


def test_it_is_that_of_the_square_root_of_the_product() -> None:
    x, y = normal(80, 6, 0) + 1, normal(90, 6, 1)
    assert frechet(x, y).distance == pytest.approx(by_scipy(x, y), rel=1e-8)


def test_fewer_points_than_dimensions() -> None:
    """Rotated into the space that the points span, where SciPy's square root works, nothing changes."""
    x, y = normal(5, 4, 0), normal(6, 4, 1)
    turn, _ = torch.linalg.qr(torch.randn(40, 40, dtype=torch.float64, generator=torch.Generator().manual_seed(2)))
    assert frechet(x @ turn[:4], y @ turn[:4]).distance == pytest.approx(by_scipy(x, y), rel=1e-6)


def test_independent_axes_have_a_closed_form() -> None:
    """|m - n|^2 + sum of (s - t)^2 for standard deviations s and t, the sample's own."""
    base = torch.tensor([[1.0, 1], [1, -1], [-1, 1], [-1, -1]], dtype=torch.float64) * 0.75**0.5  # covariance 1
    found = frechet(base * torch.tensor([3.0, 0.5]) + torch.tensor([0.0, 2.0]), base * torch.tensor([1.0, 2.0]))
    assert found.distance == pytest.approx(4 + 4 + 2.25)
    assert (found.means, found.spreads, found.spread) == pytest.approx((4, 6.25, 5))


def test_equal_sets_are_no_distance_apart_and_a_translation_is_its_square() -> None:
    x = normal(30, 50, 4)
    assert frechet(x, x).distance == pytest.approx(0, abs=1e-9 * frechet(x, x).spread)
    moved = frechet(x + 2, x)
    assert moved.distance == pytest.approx(200, rel=1e-6)
    assert moved.counts == (30, 30)


def test_it_is_biased_upwards_by_few_points() -> None:
    random = torch.Generator().manual_seed(0)
    x, y = (torch.randn(4000, 5, generator=random) for _ in range(2))
    assert frechet(x[:50], y[:50]).distance > 5 * frechet(x, y).distance


def test_wrong_input() -> None:
    with pytest.raises(UsageError, match=r"got \(1, 3\) and \(4, 3\)"):
        frechet(torch.zeros(1, 3), torch.zeros(4, 3))
    with pytest.raises(UsageError, match="must be finite"):
        frechet(torch.full((3, 2), float("nan")), torch.zeros(3, 2))
