"""What the study of the cross-entropy computes, as values."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snellen.instruments.losses.minimum import Minimum, Penalty, minimum


@dataclass(frozen=True)
class Sum:
    """One way to add up the cross-entropy: what it gives and what it takes."""

    way: str
    value: float
    operations: int


@dataclass(frozen=True)
class Least:
    """Where one of the exam's six losses is least: by formula and by search."""

    penalty: Penalty
    stochastic: bool
    formula: Minimum
    search: Minimum

    @property
    def difference(self) -> float | None:
        """The largest of any coordinate between the two; None where both say that there is no minimum."""
        if self.formula.z is None or self.search.z is None:
            return None if self.formula.z is self.search.z else math.inf
        return max(abs(a - b) for a, b in zip(self.formula.z, self.search.z, strict=True))


@dataclass(frozen=True, eq=False)
class Trained:
    """A network trained with a penalty of one strength on its probabilities.

    Attributes:
        strength: factor of |p|_2^2.
        best: what the formula says is the best probability of the true class.
        said: (n,) what it says of the true class of each training image.
        held_out: part of other images that it gets right.
    """

    strength: float
    best: float
    said: NDArray[np.float64]
    held_out: float


@dataclass(frozen=True, eq=False)
class Regularised:
    """What the study computed.

    Attributes:
        samples: that were added up.
        sums: each way of adding them up.
        vanishes: so many samples of probability 1/2 make the product of probabilities 0 in floating point.
        refusals: what is said to vectors that are not stochastic.
        least: the exam's six losses.
        paths: penalty -> probability of the true class after 0, 1, 2 ... steps of gradient descent on the logits.
        trained: networks on digits.
    """

    samples: int
    sums: tuple[Sum, ...]
    vanishes: int
    refusals: tuple[tuple[tuple[float, float], str], ...]
    least: tuple[Least, ...]
    paths: dict[Penalty, NDArray[np.float64]]
    trained: tuple[Trained, ...]

    def of(self, penalty: Penalty, *, stochastic: bool) -> Least:
        """One of the six."""
        return next(x for x in self.least if x.penalty == penalty and x.stochastic == stochastic)


def best(strength: float, *, classes: int) -> float:
    """The probability of the true class at which -ln p + strength |p|_2^2 is least.

    >>> best(0.0, classes=2), best(0.5, classes=10), round(best(1.0, classes=10), 4)
    (1.0, 1.0, 0.7227)
    """
    if not strength:
        return 1.0
    z = minimum("l2", strength=strength, classes=classes).z
    assert z is not None
    return z[0]
