"""The Fréchet distance of two sets of features, each taken for a Gaussian."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from snellen._errors import UsageError


@dataclass(frozen=True)
class Frechet:
    """A squared Fréchet distance and what it consists of.

    Attributes:
        distance: |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)).
        means: the first term.
        spreads: the second.
        spread: tr C2: the distance of points that all lie at the second mean.
        counts: points of the first set and of the second. The distance is biased upwards, the more the fewer they are.
    """

    distance: float
    means: float
    spreads: float
    spread: float
    counts: tuple[int, int]


def frechet(samples: Float[Tensor, "n d"], real: Float[Tensor, "m d"]) -> Frechet:
    """d^2 = |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)), the squared 2-Wasserstein distance of two Gaussians.

    Means and covariances (divided by n - 1) are those of the features. With C = A A^T for both, tr (C1 C2)^(1/2) is the
    sum of the singular values of A1^T A2, so no square root of a product that is not symmetric is taken; it is exact
    for fewer points than dimensions, where the usual iteration fails. Computed in float64.

    The name FID belongs to the features of one Inception network; in other features the number is another, to be
    compared only within the same features and the same numbers of points.

    Args:
        samples: (n, d) floats, n >= 2.
        real: (m, d), m >= 2.

    Raises:
        UsageError: other dimensions, fewer than two rows, values that are not finite.

    Reference: Dowson and Landau 1982, J. Multivariate Anal. 12:450-455; Heusel et al. 2017, arXiv:1706.08500.

    >>> x = torch.tensor([[0.0], [2.0]])
    >>> frechet(x + 3, x).distance, frechet(2 * x, x).means
    (9.0, 1.0)
    """
    if samples.ndim != 2 or real.ndim != 2 or samples.shape[1] != real.shape[1] or min(len(samples), len(real)) < 2:
        raise UsageError(
            f"(n, d) and (m, d) with n and m of at least 2 are expected, got {tuple(samples.shape)} "
            f"and {tuple(real.shape)}"
        )
    if not (samples.isfinite().all() and real.isfinite().all()):
        raise UsageError("features must be finite, got NaN or infinity")
    x, y = samples.double(), real.double()
    means = float((x.mean(dim=0) - y.mean(dim=0)).square().sum())
    one, two = _root(x), _root(y)
    own, other = float(one.square().sum()), float(two.square().sum())
    both = float(torch.linalg.svdvals(one.mT @ two).sum())
    spreads = max(own + other - 2 * both, 0.0)
    return Frechet(means + spreads, means, spreads, other, (len(x), len(y)))


def _root(points: Tensor) -> Tensor:
    """(d, r) A with A A^T the covariance, r the smaller of the number of points and of dimensions."""
    centred: Tensor = (points - points.mean(dim=0)) / (len(points) - 1) ** 0.5
    if len(points) <= points.shape[1]:
        return centred.mT
    values, vectors = torch.linalg.eigh(centred.mT @ centred)
    root: Tensor = vectors * values.clamp(min=0).sqrt()
    return root
