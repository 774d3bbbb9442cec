"""Where a cross-entropy with a penalty on the output is least: in closed form, and by search."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from snellen._errors import UsageError, unknown

Penalty = Literal["none", "l2", "l1"]
PENALTIES: tuple[Penalty, ...] = get_args(Penalty)
FAR = 1e6
"""A search that comes so far has no minimum to find."""


@dataclass(frozen=True)
class Minimum:
    """Where the loss is least.

    Attributes:
        z: k numbers, the true class first; None where the loss falls for ever.
        value: the loss there, in nats; -inf where it falls for ever.
    """

    z: tuple[float, ...] | None
    value: float


def objective(z: NDArray[np.float64], penalty: Penalty, strength: float = 1.0) -> NDArray[np.float64]:
    """-ln z_0 + strength |z|_2^2, or + strength |z|_1, or neither.

    Args:
        z: (..., k), the true class first; z_0 above 0.
        penalty: ``none``, ``l2`` or ``l1``.
        strength: its factor.

    Returns:
        (...), in nats.

    >>> objective(np.array([1.0, 0.0]), "l2").item()
    1.0
    """
    sizes = {"none": np.zeros(z.shape[:-1]), "l2": (z**2).sum(-1), "l1": abs(z).sum(-1)}
    with np.errstate(divide="ignore"):
        return np.asarray(strength * sizes[penalty] - np.log(z[..., 0]))


def minimum(penalty: Penalty, *, stochastic: bool = True, strength: float = 1.0, classes: int = 2) -> Minimum:
    """argmin of -ln z_0 + strength |z|_2^2 (``l2``) or + strength |z|_1 (``l1``), in closed form.

    On stochastic vectors, with s the strength: ``l1`` is the constant s, so z_0 = 1 as without a penalty; ``l2`` has
    2 s k p^2 - 2 s p - (k - 1) = 0, so z_0 = (s + sqrt(s^2 + 2 s k (k - 1))) / 2 s k, at most 1: up to a strength of
    1/2 it changes nothing, for any number of classes. The other classes share the rest. For two classes and s = 1 that
    is (1 + sqrt 5)/4.

    On free vectors: ``l2`` has z_0 = 1 / sqrt(2 s), ``l1`` has z_0 = 1 / s, all others 0; without a penalty the loss
    falls for ever.

    Args:
        penalty: ``none``, ``l2`` or ``l1``.
        stochastic: z is at least 0 and sums to 1; otherwise z_0 > 0 is all that is asked.
        strength: the factor of the penalty, above 0.
        classes: k, at least 2.

    Raises:
        UsageError: another penalty; a strength that is not a number above 0; fewer than two classes.

    >>> minimum("l2").z[0] == (1 + math.sqrt(5)) / 4
    True

    Reference: the convex programs' optimality conditions; Boyd and Vandenberghe 2004, section 5.5.3.
    """
    _check(penalty, strength, classes)
    s, k = strength, classes
    if stochastic:
        p = 1.0 if penalty != "l2" else min(1.0, (s + math.sqrt(s * s + 2 * s * k * (k - 1))) / (2 * s * k))
        z = (p, *[(1 - p) / (k - 1)] * (k - 1))
    elif penalty == "none":
        return Minimum(None, -math.inf)
    else:
        z = (math.sqrt(0.5 / s) if penalty == "l2" else 1 / s, *[0.0] * (k - 1))
    return Minimum(z, objective(np.array(z), penalty, s).item())


def searched(penalty: Penalty, *, stochastic: bool = True, strength: float = 1.0, classes: int = 2) -> Minimum:
    """The same by a search that knows no formula: sequential quadratic programming from the uniform vector.

    A free z is searched as the difference of two vectors at least 0, which makes its l1 norm smooth.

    Args:
        penalty: as for :func:`minimum`.
        stochastic: likewise.
        strength: likewise.
        classes: likewise.

    Raises:
        UsageError: as :func:`minimum`.

    >>> [round(value, 4) for value in searched("l2").z]
    [0.809, 0.191]
    """
    _check(penalty, strength, classes)
    k = classes

    def loss(parts: NDArray[np.float64]) -> float:
        z = parts[:k] - parts[k:]
        size = {"none": 0.0, "l2": float(z @ z), "l1": float(parts.sum())}[penalty]
        return strength * size - math.log(max(z[0], 1e-300))

    start = np.concatenate([np.full(k, 1 / k), np.zeros(k)])
    bounds = [(1e-9, FAR), *[(0.0, FAR)] * (k - 1), *[(0.0, 0.0 if stochastic or i == 0 else FAR) for i in range(k)]]
    one = {"type": "eq", "fun": lambda parts: parts[:k].sum() - 1}
    found = minimize(
        loss,
        start,
        method="SLSQP",
        bounds=bounds,
        constraints=(one,) if stochastic else (),
        options={"ftol": 1e-15, "maxiter": 1_000},
    )
    z = found.x[:k] - found.x[k:]
    if z[0] > 0.99 * FAR:
        return Minimum(None, -math.inf)
    return Minimum(tuple(z.tolist()), float(found.fun))


def _check(penalty: str, strength: float, classes: int) -> None:
    if penalty not in PENALTIES:
        raise unknown("penalty", penalty, PENALTIES)
    if not 0 < strength < math.inf:
        raise UsageError(f"the strength of a penalty must be a number above 0, got {strength}")
    if classes < 2:
        raise UsageError(f"a cross-entropy needs at least 2 classes, got {classes}")
