"""How many different pictures a generator can make, by the birthday paradox."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from scipy import stats
from torch import Tensor

from snellen._errors import UsageError
from snellen.instruments.generation._distances import distances

ROWS = 512


@dataclass(frozen=True, eq=False)
class Birthday:
    """Near-duplicates among some points.

    Attributes:
        pairs: (p, 2) the points of each pair that is nearer than ``threshold``, the nearest pair first.
        count: points that were looked at.
        threshold: in the unit of the points.
        twins: points that are in a pair.
        support: estimate of how many different points there are; infinite without a pair.
        support_low: lower end of its interval.
        support_high: upper end.
    """

    pairs: Int[Tensor, "p 2"]
    count: int
    threshold: float
    twins: int
    support: float
    support_low: float
    support_high: float


def birthday(points: Float[Tensor, "n d"], *, threshold: float, level: float = 0.95) -> Birthday:
    """Count pairs nearer than a threshold among n points, and say how large the support is that they were drawn from.

    Of n draws from N equally likely pictures n (n - 1) / 2N pairs are expected to be the same. So p pairs speak for
    N = n (n - 1) / 2p; the interval is Garwood's for the Poisson count p. With unequal probabilities the estimate is
    1 / sum of their squares, which is smaller than the number of pictures: read it as the number of pictures that
    matter.

    Args:
        points: (n, d) floats, n >= 2.
        threshold: L2 distance below which two points count as the same, from the distances of real data. Points
            that are equal always do.
        level: of the interval.

    Raises:
        UsageError: no matrix, fewer than two rows, a negative threshold, a level outside (0, 1).

    Reference: Arora and Zhang 2017, Do GANs actually learn the distribution? An empirical study, arXiv:1706.08224;
    Garwood 1936, Biometrika 28:437-442.

    >>> few = birthday(torch.tensor([[0.0], [1.0], [1.1], [5.0]]), threshold=0.2)
    >>> few.pairs.tolist(), few.support
    ([[1, 2]], 6.0)
    """
    if points.ndim != 2 or len(points) < 2:
        raise UsageError(f"points must be (n, d) with n of at least 2, got {tuple(points.shape)}")
    if threshold < 0 or not 0 < level < 1:
        raise UsageError(f"threshold must be 0 or more and level in (0, 1), got {threshold} and {level}")
    values = points.double()
    values = values - values.mean(dim=0)
    found: list[Tensor] = []
    lengths: list[Tensor] = []
    for first in range(0, len(values), ROWS):
        part = values[first : first + ROWS]
        apart = distances(part, values[first:])
        close = ((apart < threshold) | (apart == 0)).triu(diagonal=1).nonzero()
        lengths.append(apart[close[:, 0], close[:, 1]])
        found.append(close + first)
    pairs, order = torch.cat(found), torch.cat(lengths).argsort(stable=True)
    few, many = _garwood(len(pairs), level)
    total = len(values) * (len(values) - 1) / 2
    return Birthday(
        pairs[order],
        len(values),
        threshold,
        len(pairs.unique()),
        total / len(pairs) if len(pairs) else float("inf"),
        total / many,
        total / few if few else float("inf"),
    )


def _garwood(count: int, level: float) -> tuple[float, float]:
    """The exact interval for the mean of a Poisson count."""
    tail = (1 - level) / 2
    low = float(stats.chi2.ppf(tail, 2 * count)) / 2 if count else 0.0
    return low, float(stats.chi2.isf(tail, 2 * count + 2)) / 2
