"""Which samples are copies of training images: distances to the nearest one, against those of other real images."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from scipy import stats
from torch import Tensor

from snellen._errors import UsageError
from snellen.instruments.probes.knn import nearest

CLOSE = 0.25  # of the middle distance of a real image to its nearest training image


@dataclass(frozen=True, eq=False)
class Memorised:
    """How near the samples are to the training images.

    Attributes:
        distances: (n,) of each sample to its nearest training image.
        nearest: (n,) which one.
        null: (m,) of other real images to their nearest training image.
        threshold: below which a sample is a copy: a quarter of the null's median.
        copies: (n,) whether it is one.
        expected: how many of n real images would be called copies.
        probability: of at least so many copies, by a binomial law.
        ratio: median distance of the samples over that of the null: 1 for new pictures as like the data as real ones.
        nearer: the probability that a sample is nearer to its training image than a real one that was not trained on
            (Mann and Whitney's U / mn); 1/2 for a perfect generator.
    """

    distances: Float[Tensor, "n"]
    nearest: Int[Tensor, "n"]
    null: Float[Tensor, "m"]
    threshold: float
    copies: Bool[Tensor, "n"]
    expected: float
    probability: float
    ratio: float
    nearer: float


def memorised(
    samples: Float[Tensor, "n d"],
    training: Float[Tensor, "t d"],
    *,
    held_out: Float[Tensor, "m d"] | None = None,
    null: int = 1000,
    seed: int = 0,
) -> Memorised:
    """Find samples that are nearer to a training image than real images that were not trained on.

    The radius is the data's own and not a fixed one: real images of some sets (digits) are near each other. The null is
    the distance of held-out images to the training images, or where none are given that of training images to the
    nearest other one. A sample nearer than a quarter of the null's median is a copy; the null's own share of such
    images says how many to expect.

    Args:
        samples: (n, d) pixels or features.
        training: (t, d), t >= 2.
        held_out: (m, d) real images that were not trained on.
        null: at most so many images of the null, drawn by the seed.
        seed: of that draw.

    Raises:
        UsageError: other dimensions, too few rows.

    Reference: Meehan, Chaudhuri, Dasgupta 2020, A non-parametric test to detect data-copying, arXiv:2004.05675, for
    the comparison with held-out images.

    >>> data = torch.randn(60, 4, generator=torch.Generator().manual_seed(0))
    >>> int(memorised(data[:5], data).copies.sum())
    5
    """
    if len(training) < 2 or not len(samples) or (held_out is not None and not len(held_out)):
        raise UsageError(f"samples and at least 2 training images are needed, got {len(samples)} and {len(training)}")
    distances, places = nearest(samples, training, k=1)
    others = _held(held_out, training, null, seed) if held_out is not None else _others(training, null, seed)
    middle = float(others.median())
    threshold = CLOSE * middle
    near = (distances[:, 0] < threshold) | (distances[:, 0] == 0)
    rate = (float(((others < threshold) | (others == 0)).sum()) + 1) / (len(others) + 2)
    count = int(near.sum())
    return Memorised(
        distances[:, 0],
        places[:, 0],
        others,
        threshold,
        near,
        rate * len(samples),
        float(stats.binom.sf(count - 1, len(samples), rate)) if count else 1.0,
        float(distances.median()) / middle if middle else float("nan"),
        float(stats.mannwhitneyu(others.numpy(), distances[:, 0].numpy()).statistic) / (len(others) * len(distances)),
    )


def _held(held_out: Tensor, training: Tensor, most: int, seed: int) -> Tensor:
    drawn = torch.randperm(len(held_out), generator=torch.Generator().manual_seed(seed))[:most]
    return nearest(held_out[drawn], training, k=1).distances[:, 0]


def _others(training: Tensor, most: int, seed: int) -> Tensor:
    """Distances of training images to the nearest other one."""
    drawn = torch.randperm(len(training), generator=torch.Generator().manual_seed(seed))[:most]
    distances, places = nearest(training[drawn], training, k=2)
    return torch.where(places[:, 0] == drawn, distances[:, 1], distances[:, 0])
