"""How much too good the best of several looks at one set of images is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from snellen._errors import UsageError

TAIL = 1e-13
"""Part of a distribution that the exact sum leaves out at either end."""
NODES = 16
"""Of more sizes than these the sum takes every second, third ...: over a bell it converges faster than any power."""


@dataclass(frozen=True)
class Optimism:
    """Measured accuracy of the chosen candidate less its true one.

    Attributes:
        mean: over all selections.
        error: standard error of the mean, from the number of simulated selections.
        low: 2.5 % of single selections are below; a single one may well be too low.
        high: 2.5 % are above.
    """

    mean: float
    error: float
    low: float
    high: float


def optimism(
    images: int, accuracies: Sequence[float], *, correlation: float = 0.0, draws: int = 20_000, seed: int = 0
) -> Optimism:
    """Choose the candidate with the most right answers on so many images, again and again.

    The model: each image is, with probability r, *common*: one uniform number u decides for all candidates, and
    candidate j is right where u < p_j. Otherwise every candidate has a number of its own. So candidate j is right with
    probability p_j, and the answers of two candidates of equal accuracy have the correlation r (phi). For r = 0 the
    counts are independent binomials. Of equal counts the first candidate is taken.

    Args:
        images: that are looked at, n.
        accuracies: the true ones, p_j; equal ones give the largest optimism.
        correlation: r, from 0 to 1: do candidates fail on the same images?
        draws: simulated selections.
        seed: of the simulation.

    Raises:
        UsageError: no image, no candidate, no draw; an accuracy or a correlation outside [0, 1].

    >>> found = optimism(500, [0.9] * 10)
    >>> abs(found.mean - (expected_best(500, 10, 0.9) - 0.9)) < 4 * found.error
    True

    Reference: Cawley and Talbot 2010, On over-fitting in model selection, JMLR 11:2079-2107.
    """
    p = np.asarray(accuracies, dtype=np.float64)
    _check(images, len(p), p, correlation)
    if draws < 1:
        raise UsageError(f"a simulation needs at least one draw, got {draws}")
    rng = np.random.default_rng(seed)
    common = rng.binomial(images, correlation, draws)
    counts = rng.binomial((images - common)[:, None], p[None, :]) + _shared(rng, common, p)
    chosen = counts.argmax(1)
    over = counts[np.arange(draws), chosen] / images - p[chosen]
    low, high = np.quantile(over, (0.025, 0.975))
    error = float(over.std(ddof=1)) / math.sqrt(draws) if draws > 1 else math.inf
    return Optimism(float(over.mean()), error, float(low), float(high))


def expected_best(images: int, candidates: int, accuracy: float, *, correlation: float = 0.0) -> float:
    """The expected accuracy of the best of several equally good candidates, exactly, in the model of :func:`optimism`.

    E[max] = sum over x of 1 - F(x)^k for k independent binomials with distribution function F; common images add the
    same to all, so with m the number of images that are not common: E = r n p + sum over m of P(m) E_m[max].

    Args:
        images: n, at least 1.
        candidates: k, at least 1.
        accuracy: p, of each.
        correlation: r.

    Raises:
        UsageError: as :func:`optimism`.

    >>> expected_best(1, 2, 0.5)
    0.75

    Reference: David and Nagaraja 2003, Order statistics, chapter 3.
    """
    _check(images, candidates, np.array([accuracy]), correlation)
    if accuracy in (0.0, 1.0) or candidates == 1:
        return accuracy
    own = 1 - correlation
    sizes = np.arange(binom.ppf(TAIL, images, own), binom.isf(TAIL, images, own) + 1) if 0 < own < 1 else [images * own]
    sizes = np.asarray(sizes)[:: max(len(sizes) // NODES, 1)]
    weights = binom.pmf(sizes, images, own)
    best = [_expected_maximum(round(m), candidates, accuracy) for m in sizes]
    return float(correlation * accuracy + np.dot(weights, best) / weights.sum() / images)


def _expected_maximum(images: int, candidates: int, accuracy: float) -> float:
    low = int(binom.ppf(TAIL, images, accuracy)) if images else 0
    high = int(binom.isf(TAIL / candidates, images, accuracy)) if images else 0
    below = binom.cdf(np.arange(low, high + 1), images, accuracy)
    return float(low + (1 - below**candidates).sum())


def _shared(rng: np.random.Generator, common: NDArray[np.int64], p: NDArray[np.float64]) -> NDArray[np.int64]:
    """Right answers of each candidate on the common images: those whose number falls below its accuracy."""
    order = np.argsort(p, kind="stable")
    widths = np.diff(np.concatenate([[0.0], p[order], [1.0]]))
    between = rng.multinomial(common, np.clip(widths, 0.0, 1.0))
    right = np.empty((len(common), len(p)), dtype=np.int64)
    right[:, order] = between[:, :-1].cumsum(1)
    return right


def _check(images: int, candidates: int, p: NDArray[np.float64], correlation: float) -> None:
    if images < 1 or candidates < 1 or p.ndim != 1:
        raise UsageError(f"a selection needs at least 1 image and 1 candidate, got {images} and {candidates}")
    if not ((p >= 0) & (p <= 1)).all() or not 0 <= correlation <= 1:
        raise UsageError(f"accuracies and the correlation are from 0 to 1, got {p.tolist()[:4]} and {correlation}")
