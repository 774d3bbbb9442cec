"""Mean distances against SciPy's, their error against the jackknife."""

import pytest
import torch
from scipy.spatial.distance import pdist

from snellen._errors import UsageError
from snellen.instruments.generation.pairwise_distance import pairwise_distance


def test_the_mean_is_that_of_scipy() -> None:
    points = torch.randn(300, 7, generator=torch.Generator().manual_seed(0)) + 100
    found = pairwise_distance(points)
    assert found.mean == pytest.approx(pdist(points.double().numpy()).mean(), rel=1e-9)


def test_the_error_is_that_of_the_jackknife() -> None:
    points = torch.randn(60, 3, generator=torch.Generator().manual_seed(1))
    left_out = [pairwise_distance(torch.cat([points[:i], points[i + 1 :]])).mean for i in range(60)]
    spread = torch.tensor(left_out, dtype=torch.float64)
    jackknife = float(((spread - spread.mean()).square().sum() * 59 / 60).sqrt())
    assert pairwise_distance(points).error == pytest.approx(jackknife, rel=0.05)


def test_equal_points_are_exactly_no_distance_apart() -> None:
    found = pairwise_distance(torch.rand(1, 500, generator=torch.Generator().manual_seed(2)).expand(40, -1))
    assert (found.mean, found.error) == (0.0, 0.0)


def test_one_point_is_no_pair() -> None:
    with pytest.raises(UsageError, match=r"n of at least 2, got \(1, 3\)"):
        pairwise_distance(torch.zeros(1, 3))
