"""The critic f(x) = w·x: how steep it is, what it says of two samples, and whether any other would say more."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from snellen._errors import UsageError
from snellen.instruments.transport._points import Array, pair
from snellen.instruments.transport.wasserstein import Transport, wasserstein

Verdict = Literal["optimal", "not optimal", "not admissible"]
NEAR = 1e-9
"""A Lipschitz constant so near 1 is 1, a value so near W1 (against the largest distance) is W1."""


@dataclass(frozen=True, eq=False)
class Step:
    """One step up the gradient that stays 1-Lipschitz.

    Attributes:
        size: epsilon, half of the longest that may be taken.
        longest: the epsilon at which the Lipschitz constant becomes 1.
        weights: (d,) w + size * gradient.
        lipschitz: their length, below 1.
        value: h of them, above h(w).
    """

    size: float
    longest: float
    weights: Array
    lipschitz: float
    value: float


@dataclass(frozen=True, eq=False)
class LinearCritic:
    """What there is to say of f(x) = w·x on two samples.

    Attributes:
        weights: (d,) w.
        lipschitz: K(w) = |w|, its smallest Lipschitz constant.
        value: h(w) = mean_A f - mean_B f.
        means: (d,) of A and of B.
        gradient: (d,) of h by w: mean of A less mean of B, whatever w is.
        transport: W1 of the samples, its plan and its function.
        verdict: ``optimal``: h(w) is W1. ``not optimal``: another 1-Lipschitz function says more. ``not admissible``:
            K is above 1, and h(w) says nothing of W1.
        reason: why, in one or two sentences.
        step: one up the gradient, where K < 1 and the gradient is not 0.
        best: (d,) the weights of length 1 along the gradient, the best of all linear critics; zeros where it is 0.
        best_value: what they say, the distance of the means; W1 is at least this.
    """

    weights: Array
    lipschitz: float
    value: float
    means: tuple[Array, Array]
    gradient: Array
    transport: Transport
    verdict: Verdict
    reason: str
    step: Step | None
    best: Array
    best_value: float

    @property
    def best_is_optimal(self) -> bool:
        """Whether a linear critic attains W1: all mass then moves in one direction."""
        return _near(self.best_value, self.transport)


def linear_critic(w: ArrayLike, a: ArrayLike, b: ArrayLike) -> LinearCritic:
    """Judge the critic f(x) = w·x, step by step.

    |f(x) - f(y)| = |w·(x - y)| <= |w| |x - y| with equality along w, so K(w) = |w|. The dual value
    h(w) = w·(mean A - mean B) is linear in w, so its gradient is the same everywhere. Where K(w) < 1 and the gradient
    is not 0, a small step along it stays 1-Lipschitz and says more: f is not optimal. Where K(w) = 1 a gradient that
    is not 0 proves nothing, because the step may leave the 1-Lipschitz functions.

    Args:
        w: (d,).
        a: (n, d) points, or (n,) on a line.
        b: (m, d) or (m,).

    Raises:
        UsageError: another number of weights than coordinates, or weights that are not finite.
        InputError, NotApplicable: as :func:`snellen.instruments.transport.wasserstein.wasserstein`.

    >>> found = linear_critic([0.3, -0.5], [[3, 1]], [[-2, 2]])
    >>> round(found.lipschitz, 3), round(found.value, 9), found.gradient.tolist(), found.verdict
    (0.583, 2.0, [5.0, -1.0], 'not optimal')
    >>> round(found.step.longest, 9), found.best_is_optimal
    (0.1, True)

    Reference: IN5400 exam 2021, exercise 12; Arjovsky, Chintala and Bottou 2017, Wasserstein GAN, arXiv:1701.07875.
    """
    one, other = pair(a, b)
    weights = np.atleast_1d(np.asarray(w, dtype=np.float64))
    if weights.shape != (one.shape[1],) or not np.isfinite(weights).all():
        raise UsageError(
            f"a linear critic has one finite weight a coordinate, {one.shape[1]} here, got {weights.tolist()}"
        )
    transport = wasserstein(one, other)
    means = one.mean(0), other.mean(0)
    gradient = means[0] - means[1]
    lipschitz, value, best_value = _length(weights), float(weights @ gradient), _length(gradient)
    flat = best_value <= NEAR * transport.certificate.scale
    step = None if flat or lipschitz > 1 - NEAR else _step(weights, gradient)
    verdict, reason = _judged(lipschitz, value, best_value, transport, flat=flat)
    best = np.zeros_like(gradient) if flat else gradient / best_value
    return LinearCritic(weights, lipschitz, value, means, gradient, transport, verdict, reason, step, best, best_value)


def _judged(
    lipschitz: float, value: float, best_value: float, transport: Transport, *, flat: bool
) -> tuple[Verdict, str]:
    w1 = transport.distance
    if lipschitz > 1 + NEAR:
        return "not admissible", (
            f"K(w) = {_told(lipschitz)} is above 1, so f is not 1-Lipschitz and h(w) bounds nothing. Divided by K it "
            f"is: f / K says {_told(value / lipschitz)}, and W1 = {_told(w1)}."
        )
    if _near(value, transport):
        return "optimal", (
            f"h(w) = W1 = {_told(w1)}: no 1-Lipschitz function says more. That the gradient is "
            f"{'0' if flat else 'not 0'} does not matter: "
            + ("both samples have the same mean." if flat else "K(w) = 1, and a step along it leaves Lip_1.")
        )
    short = f"h(w) = {_told(value)} is {_told(w1 - value)} below W1 = {_told(w1)}."
    if flat:
        return "not optimal", (
            f"Both samples have the same mean, so every linear critic says 0 and the gradient is 0 everywhere. It is "
            f"not optimal all the same: {short} Only a function that is not linear can tell the samples apart."
        )
    if lipschitz < 1 - NEAR:
        return "not optimal", (
            f"K(w) < 1 and the gradient is not 0: w + ε ∇h says more and is still 1-Lipschitz for a small "
            f"ε > 0. {short}"
        )
    if best_value - value > NEAR * transport.certificate.scale:
        return "not optimal", (
            f"K(w) = 1, where a gradient that is not 0 proves nothing by itself: a step along it leaves Lip_1. But w "
            f"does not point along the gradient; turned there it says {_told(best_value)}. {short}"
        )
    return "not optimal", (
        f"w is the best linear critic: K(w) = 1 and w points along the gradient. Still {short} The mass does not all "
        "move in one direction, and no linear function is steep along every move."
    )


def _step(weights: Array, gradient: Array) -> Step:
    """Half of the epsilon at which |w + epsilon g| = 1: the positive root of a quadratic equation."""
    square, along = float(gradient @ gradient), float(weights @ gradient)
    longest = (math.sqrt(along**2 + square * (1 - float(weights @ weights))) - along) / square
    moved = weights + longest / 2 * gradient
    return Step(longest / 2, longest, moved, _length(moved), float(moved @ gradient))


def _near(value: float, transport: Transport) -> bool:
    return abs(transport.distance - value) <= NEAR * transport.certificate.scale


def _told(value: float) -> str:
    return f"{value:.4g}".replace("-", "−")


def _length(vector: Array) -> float:
    return float(np.linalg.norm(vector))
