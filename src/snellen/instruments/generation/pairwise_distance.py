"""How far pictures of one set are apart: the mean distance of two of them."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from snellen._errors import UsageError
from snellen.instruments.generation._distances import distances

ROWS = 256


@dataclass(frozen=True)
class PairDistance:
    """The mean distance of two different points, with its standard error, of ``count`` points."""

    mean: float
    error: float
    count: int


def pairwise_distance(points: Float[Tensor, "n d"]) -> PairDistance:
    """The mean over all pairs i < j of |x_i - x_j|_2.

    Its standard error is that of a U-statistic: 2 sd(h) / sqrt(n), h_i the mean distance of point i to the others. A
    generator that makes few different pictures has a mean far below that of as many real ones: their ratio is near 0
    for a constant generator, and 1 for one that is as varied as the data.

    Args:
        points: (n, d) floats, n >= 2.

    Raises:
        UsageError: no matrix, fewer than two rows.

    Reference: Hoeffding 1948, Ann. Math. Stat. 19:293-325, for the error.

    >>> pairwise_distance(torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 0.0]])).mean
    3.3333333333333335
    """
    if points.ndim != 2 or len(points) < 2:
        raise UsageError(f"points must be (n, d) with n of at least 2, got {tuple(points.shape)}")
    values = points.double()
    values = values - values.mean(dim=0)
    count = len(values)
    sums = torch.cat([distances(part, values).sum(dim=1) for part in values.split(ROWS)])
    each = sums / (count - 1)
    return PairDistance(float(each.mean()), 2 * float(each.std()) / count**0.5, count)
