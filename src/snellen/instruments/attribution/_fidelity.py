"""How faithful cheap maps are to exact ones."""

import torch
from torch import Tensor

from snellen._shapes import Maps


def rank_correlation(maps: Maps, reference: Maps) -> Tensor:
    """Spearman's rank correlation of two sets of maps, one number an image, (n,) float64.

    1 means that every pixel and channel stands in the same order. Ties get their average rank.

    >>> maps = torch.arange(8.).view(1, 1, 2, 4)
    >>> float(rank_correlation(maps, maps ** 3))
    1.0
    """
    first, second = _ranks(maps.flatten(1)), _ranks(reference.flatten(1))
    first = first - first.mean(dim=1, keepdim=True)
    second = second - second.mean(dim=1, keepdim=True)
    scale = first.norm(dim=1) * second.norm(dim=1)
    same = (maps.flatten(1) == reference.flatten(1)).all(dim=1)
    return torch.where(same, torch.ones_like(scale), (first * second).sum(dim=1) / scale.clamp(min=1e-300))


def _ranks(values: Tensor) -> Tensor:
    ranks = torch.empty(values.shape, dtype=torch.float64)
    for row, out in zip(values, ranks, strict=True):
        _, inverse, counts = torch.unique(row, sorted=True, return_inverse=True, return_counts=True)
        last = counts.cumsum(0).double()
        out.copy_((last - (counts.double() - 1) / 2)[inverse])
    return ranks
