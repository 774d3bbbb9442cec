"""Spearman's rank correlation against scipy's."""

import pytest
import torch
from scipy.stats import spearmanr

from snellen.instruments.attribution._fidelity import rank_correlation


@pytest.mark.parametrize("levels", [2, 5, 10_000], ids=["many ties", "some ties", "hardly a tie"])
def test_equals_scipys_spearman(levels: int) -> None:
    generator = torch.Generator().manual_seed(levels)
    first = torch.randint(levels, (6, 3, 5, 4), generator=generator).float()
    second = (first + torch.randint(levels, (6, 3, 5, 4), generator=generator).float()) // 2
    found = rank_correlation(first, second)
    pairs = zip(first.flatten(1).numpy(), second.flatten(1).numpy(), strict=True)
    expected = [spearmanr(a, b).statistic for a, b in pairs]
    assert found.dtype == torch.float64
    assert found.tolist() == pytest.approx(expected, abs=1e-12)
    assert max(expected) < 0.95


def test_signs_and_ends() -> None:
    maps = torch.randn(2, 3, 4, 4)
    assert rank_correlation(maps, maps.exp()).tolist() == pytest.approx([1, 1])
    assert rank_correlation(maps, -maps).tolist() == pytest.approx([-1, -1])


def test_constant_maps() -> None:
    """Equal maps agree, whatever they are; a constant map says nothing about another one."""
    zeros, maps = torch.zeros(1, 1, 2, 2), torch.rand(1, 1, 2, 2)
    assert rank_correlation(zeros, zeros).tolist() == [1]
    assert rank_correlation(zeros, maps).tolist() == [0]
