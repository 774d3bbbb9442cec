"""What one way of training gains over another on the same images, over the same seeds."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from snellen.findings.interval import Z95


@dataclass(frozen=True)
class Gain:
    """A difference of two accuracies, and its 95 % interval.

    Attributes:
        value: the mean over seeds and images.
        low: end of the interval.
        high: likewise.
    """

    value: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """``helps``, ``hurts`` or ``within noise``: whether the interval leaves out 0."""
        return "helps" if self.low > 0 else "hurts" if self.high < 0 else "within noise"


def gain(ours: NDArray[np.bool_], theirs: NDArray[np.bool_]) -> Gain:
    """How much more often ours is right than theirs, each answer against the answer with the same seed and image.

    Two things could have come out otherwise: which images there are to judge by, and which seeds were drawn. With d the
    (s, n) differences, the half width is sqrt(z^2 V_i + t^2 V_s): V_i from the mean of each image over the seeds, with
    one image more that was won and one that was lost (Bonett and Price, right for small counts too), V_s from the mean
    of each seed, with Student's t for s - 1 degrees of freedom. What seeds and images do together is in both, so that
    the interval is rather too wide.

    Args:
        ours: (s, n) right answers for s seeds, at least 2, and n images.
        theirs: likewise, of the same seeds and images.

    >>> theirs = np.zeros((2, 100), bool)
    >>> ours = theirs.copy()
    >>> ours[:, :20] = True
    >>> found = gain(ours, theirs)
    >>> found.value, round(found.low, 3), round(found.high, 3), found.verdict
    (0.2, 0.114, 0.278, 'helps')

    Reference: Bonett and Price 2012, J. Educ. Behav. Stat. 37:479-488.
    """
    change = ours.astype(np.float64) - theirs
    seeds, images = change.shape
    each = np.append(change.mean(0), (1.0, -1.0))
    of_seeds = change.mean(1).var(ddof=1) / seeds
    half = math.sqrt(Z95**2 * each.var() / (images + 2) + student.ppf(0.975, seeds - 1) ** 2 * of_seeds)
    middle = float(each.mean())
    return Gain(float(change.mean()), max(middle - half, -1.0), min(middle + half, 1.0))
