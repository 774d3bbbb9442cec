"""Which modes of the data a generator reaches: classes by their counts, known centres by their distance."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from scipy import stats
from torch import Tensor

from snellen._errors import UsageError


@dataclass(frozen=True, eq=False)
class ClassesCovered:
    """How often each class was made.

    Attributes:
        counts: (k,) samples of each class.
        missing: classes without a sample.
        expected_missing: how many of the classes so many draws would miss at the given shares.
        improbable: (k,) the probability of at most as many samples of a class at its share.
    """

    counts: NDArray[np.int64]
    missing: tuple[int, ...]
    expected_missing: float
    improbable: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CentresCovered:
    """How points lie about known centres.

    Attributes:
        counts: (m,) good points whose nearest centre this is.
        covered: centres with a good point.
        good: share of points within the radius of their nearest centre.
    """

    counts: NDArray[np.int64]
    covered: int
    good: float


def classes_covered(predicted: Int[Tensor, "n"], shares: Sequence[float] | int) -> ClassesCovered:
    """Count the classes of n samples, and say how many of them n draws should have missed.

    A class of share p is missed by all n draws with probability (1 - p)^n; their sum is what is to be expected.

    Args:
        predicted: (n,) the class that a classifier gives each sample.
        shares: of the classes in the real data, summing to 1; or the number of equally likely ones.

    Raises:
        UsageError: no samples, shares that are none, a class outside them.

    >>> found = classes_covered(torch.tensor([0, 0, 1, 0]), 3)
    >>> found.counts.tolist(), found.missing, round(found.expected_missing, 3)
    ([3, 1, 0], (2,), 0.593)
    """
    p = np.full(shares, 1 / shares) if isinstance(shares, int) else np.asarray(shares, dtype=np.float64)
    if p.ndim != 1 or len(p) < 1 or (p < 0).any() or abs(p.sum() - 1) > 1e-6:
        raise UsageError(f"shares must be 0 or more and sum to 1, got {p.tolist()}")
    if predicted.ndim != 1 or len(predicted) == 0 or int(predicted.min()) < 0 or int(predicted.max()) >= len(p):
        raise UsageError(f"one class of 0 to {len(p) - 1} a sample is expected, got shape {tuple(predicted.shape)}")
    counts = np.bincount(predicted.cpu().numpy(), minlength=len(p)).astype(np.int64)
    n = len(predicted)
    return ClassesCovered(
        counts,
        tuple(int(i) for i in np.flatnonzero(counts == 0)),
        float(((1 - p) ** n).sum()),
        np.asarray(stats.binom.cdf(counts, n, p), dtype=np.float64),
    )


def centres_covered(
    points: Float[Tensor, "n d"], centres: Float[Tensor, "m d"], *, sigma: float, radius: float = 3.0
) -> CentresCovered:
    """Which centres of a mixture of Gaussians are reached, and by how many good points.

    A point is good if it is within ``radius`` standard deviations of its nearest centre, and a centre is covered if a
    good point is nearest to it. Of a mixture of 2-d Gaussians itself 1 - exp(-radius^2 / 2) are good: 98.9 % at 3.

    Args:
        points: (n, d).
        centres: (m, d) such as the 8 of a ring or the 25 of a grid.
        sigma: standard deviation of each Gaussian, along each axis.
        radius: in standard deviations.

    Raises:
        UsageError: other dimensions, no points, a sigma or radius that is not positive.

    Reference: Srivastava et al. 2017, VEEGAN, arXiv:1705.07761, section 4.1.

    >>> found = centres_covered(torch.tensor([[0.1, 0.0], [5.0, 5.0]]), torch.tensor([[0.0, 0.0], [9.0, 9.0]]), sigma=1)
    >>> found.covered, found.good
    (1, 0.5)
    """
    if points.ndim != 2 or centres.ndim != 2 or points.shape[1] != centres.shape[1] or not len(points):
        raise UsageError(
            f"points (n, d) and centres (m, d) are expected, got {tuple(points.shape)} and {tuple(centres.shape)}"
        )
    if sigma <= 0 or radius <= 0:
        raise UsageError(f"sigma and radius must be positive, got {sigma} and {radius}")
    distance, nearest = torch.cdist(points.double(), centres.double()).min(dim=1)
    good = distance <= radius * sigma
    counts = torch.bincount(nearest[good], minlength=len(centres)).cpu().numpy()
    return CentresCovered(counts, int((counts > 0).sum()), float(good.double().mean()))
