"""How many samples lie among the real images, and how many real images lie among the samples."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from snellen._errors import UsageError
from snellen.instruments.generation._distances import distances

ROWS = 512


@dataclass(frozen=True, eq=False)
class PrecisionRecall:
    """Two sets compared by the balls around their points.

    Attributes:
        realistic: (n,) whether a sample lies in a ball of the real points.
        reached: (m,) whether a real point lies in a ball of the samples.
        precision: share of the samples that are realistic.
        recall: share of the real points that are reached.
        density: mean number of real balls that a sample is in, divided by k; 1 for a perfect generator.
        coverage: share of real balls with a sample in them.
        expected_coverage: that of a perfect generator, with as many points.
    """

    realistic: Bool[Tensor, "n"]
    reached: Bool[Tensor, "m"]
    precision: float
    recall: float
    density: float
    coverage: float
    expected_coverage: float


def precision_recall(samples: Float[Tensor, "n d"], real: Float[Tensor, "m d"], *, k: int = 3) -> PrecisionRecall:
    """Precision and recall of samples by k-nearest-neighbour manifolds, with density and coverage.

    Around every real point is a ball that ends at its k-th nearest other real point; their union stands for the real
    images. Precision is the share of samples in that union, recall the share of real points in the union of the
    samples' own balls. Density counts all the balls a sample is in, so that a single outlier counts little; coverage
    is the share of real balls that hold a sample, 1 - (m - 1) ... (m - k) / ((n + m - 1) ... (n + m - k)) in the mean
    for a perfect generator.

    Args:
        samples: (n, d), features of generated images.
        real: (m, d), of real ones. Both numbers should be equal: both measures depend on them.
        k: neighbours.

    Raises:
        UsageError: other dimensions, or k not below both numbers.

    Reference: Kynkäänniemi et al. 2019, arXiv:1904.06991; Naeem et al. 2020, arXiv:2002.09797.

    >>> real = torch.arange(10.0)[:, None]
    >>> found = precision_recall(torch.tensor([[0.2], [0.3], [0.4]]), real, k=1)
    >>> found.precision, found.recall
    (1.0, 0.0)
    """
    if samples.ndim != 2 or real.ndim != 2 or samples.shape[1] != real.shape[1]:
        raise UsageError(f"(n, d) and (m, d) are expected, got {tuple(samples.shape)} and {tuple(real.shape)}")
    if not 1 <= k < min(len(samples), len(real)):
        raise UsageError(f"k must be from 1 to {min(len(samples), len(real)) - 1}, got {k}")
    centre = real.double().mean(dim=0)
    x, y = samples.double() - centre, real.double() - centre
    of_samples, of_real = _radii(x, k), _radii(y, k)
    inside, reached, balls = [], torch.zeros(len(y), dtype=torch.bool), torch.zeros(len(y), dtype=torch.bool)
    for part, radius in zip(x.split(ROWS), of_samples.split(ROWS), strict=True):
        apart = distances(part, y)
        within = apart <= of_real
        inside.append(within.sum(dim=1))
        balls |= within.any(dim=0)
        reached |= (apart <= radius[:, None]).any(dim=0)
    counts = torch.cat(inside)
    return PrecisionRecall(
        counts > 0,
        reached,
        float((counts > 0).double().mean()),
        float(reached.double().mean()),
        float(counts.double().mean()) / k,
        float(balls.double().mean()),
        _perfect(len(x), len(y), k),
    )


def _radii(points: Tensor, k: int) -> Tensor:
    """(n,) distance to the k-th nearest other point."""
    return torch.cat([distances(part, points).kthvalue(k + 1, dim=1).values for part in points.split(ROWS)])


def _perfect(samples: int, real: int, k: int) -> float:
    missed = 1.0
    for i in range(1, k + 1):
        missed *= (real - i) / (samples + real - i)
    return 1 - missed
