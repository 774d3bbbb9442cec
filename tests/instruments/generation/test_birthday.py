"""Pairs against SciPy's distances, the support against a known one, the interval against published bounds."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist, squareform

from snellen._errors import UsageError
from snellen.instruments.generation.birthday import birthday


def test_the_pairs_are_those_of_scipys_distances() -> None:
    points = torch.rand(600, 2, generator=torch.Generator().manual_seed(0))
    found = birthday(points, threshold=0.01)
    apart = squareform(pdist(points.double().numpy()))
    known = [(i, j) for i, j in np.argwhere(apart < 0.01).tolist() if i < j]
    assert len(known) > 20
    assert sorted(map(tuple, found.pairs.tolist())) == known
    assert found.twins == len({i for pair in known for i in pair})
    nearest_first = [float(apart[i, j]) for i, j in found.pairs.tolist()]
    assert nearest_first == sorted(nearest_first)


def test_the_support_of_known_size_is_in_the_interval() -> None:
    """95 of 100 intervals hold it in the mean; less than 85 has a probability below 1e-4."""
    hits = 0
    for seed in range(100):
        random = torch.Generator().manual_seed(seed)
        drawn = torch.randint(400, (150,), generator=random)
        found = birthday(drawn[:, None].float(), threshold=0.5)
        hits += found.support_low <= 400 <= found.support_high
    assert hits >= 85


def test_no_pair_says_how_large_at_least() -> None:
    """Garwood's upper limit of a count of 0 is 3.689, at 95 %: -log(0.025)."""
    found = birthday(torch.arange(100.0)[:, None], threshold=0.5)
    assert (found.support, found.support_high) == (float("inf"), float("inf"))
    assert found.support_low == pytest.approx(4950 / 3.688879, rel=1e-6)


def test_copies_are_pairs_whatever_the_threshold() -> None:
    points = torch.rand(1, 900, generator=torch.Generator().manual_seed(1)).expand(5, -1)
    assert len(birthday(points, threshold=0.0).pairs) == 10


@pytest.mark.parametrize(("threshold", "level"), [(-1.0, 0.95), (1.0, 1.0)])
def test_wrong_settings(threshold: float, level: float) -> None:
    with pytest.raises(UsageError, match="threshold must be 0 or more and level in"):
        birthday(torch.zeros(3, 1), threshold=threshold, level=level)
