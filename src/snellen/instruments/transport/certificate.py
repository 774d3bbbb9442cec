"""Why a transport is the cheapest: a plan and a function that cost the same, checked without asking the solver."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist

from snellen.instruments.transport._points import Array

NEAR = 1e-9
ROWS = 2_000_000
"""Distances that are looked at at once."""


@dataclass(frozen=True)
class Certificate:
    """A plan's cost from above, a function's value from below, and what makes them bounds.

    W1 = min over plans = max over 1-Lipschitz functions (Kantorovich and Rubinstein): whatever moves all mass costs at
    least W1, and whatever is 1-Lipschitz says at most W1.

    Attributes:
        primal: cost of the plan, the sum of mass times distance.
        dual: mean of the function over A less its mean over B.
        lipschitz: of the function, the largest |f(x) - f(y)| / |x - y| between any two of all points. Differences
            below the rounding of float64 count as none.
        masses: by how much the plan moves too much or too little of a point at most; negative mass counts too.
        scale: the largest distance between a point of A and one of B, against which the gap is held.
    """

    primal: float
    dual: float
    lipschitz: float
    masses: float
    scale: float

    @property
    def gap(self) -> float:
        """Primal less dual: W1 is between them, so neither is wrong by more."""
        return self.primal - self.dual

    @property
    def holds(self) -> bool:
        """Gap at most 1e-9 of the scale, masses within 1e-9, Lipschitz constant at most 1 + 1e-9."""
        close = abs(self.gap) <= NEAR * self.scale and self.masses <= NEAR
        return close and self.lipschitz <= 1 + NEAR


def certify(
    samples: tuple[Array, Array],
    masses: tuple[Array, Array],
    plan: Any,
    potential: tuple[Array, Array],
) -> Certificate:
    """Compute everything anew from the points, their masses, the plan and the function's values.

    Args:
        samples: (n, d) and (m, d).
        masses: (n,) and (m,), each with the sum 1.
        plan: sparse (n, m) in coordinates: ``row``, ``col`` and ``data``.
        potential: (n,) and (m,), the function on either sample.

    >>> from scipy.sparse import coo_array
    >>> one, zero = np.ones(1), np.zeros(1)
    >>> found = certify((np.array([[3.0, 4.0]]), np.zeros((1, 2))), (one, one), coo_array([[1.0]]), (5 * one, zero))
    >>> found.primal, found.dual, round(found.lipschitz, 9), found.holds
    (5.0, 5.0, 1.0, True)

    Reference: Villani 2009, Optimal transport, theorem 5.10 and remark 6.5.
    """
    (a, b), (of_a, of_b), (on_a, on_b) = samples, masses, potential
    steps = np.linalg.norm(a[plan.row] - b[plan.col], axis=1)
    rows = np.bincount(plan.row, weights=plan.data, minlength=len(a))
    columns = np.bincount(plan.col, weights=plan.data, minlength=len(b))
    wrong = max(float(abs(rows - of_a).max()), float(abs(columns - of_b).max()), float(-plan.data.min(initial=0.0)))
    both, values = np.concatenate([a, b]), np.concatenate([on_a, on_b])
    return Certificate(
        primal=float(plan.data @ steps),
        dual=float(of_a @ on_a - of_b @ on_b),
        lipschitz=lipschitz_on(both, values),
        masses=wrong,
        scale=_farthest(a, b),
    )


def lipschitz_on(places: Array, values: Array) -> float:
    """The largest |f(x) - f(y)| / |x - y| between any two of the places; on a line neighbours are enough.

    Args:
        places: (n, d).
        values: (n,), f there.

    >>> round(lipschitz_on(np.array([[0.0], [1.0], [3.0]]), np.array([0.0, 1.0, 0.0])), 9)
    1.0
    """
    if places.shape[1] == 1:
        order = np.argsort(places[:, 0], kind="stable")
        return _steepest(np.diff(places[order, 0]), np.diff(values[order]), _rounding(places, values))
    least, size, found = _rounding(places, values), max(1, ROWS // len(places)), 0.0
    for start in range(0, len(places), size):
        far = cdist(places[start : start + size], places[start:])
        found = max(found, _steepest(far, values[start : start + size, None] - values[None, start:], least))
    return found


def _steepest(far: Array, change: Array, rounding: float) -> float:
    rise = np.maximum(abs(change) - rounding, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.where(rise > 0, rise / far, 0.0)
    return float(slope.max(initial=0.0))


def _rounding(places: Array, values: Array) -> float:
    extent = max(float(np.ptp(places, axis=0).max()), float(np.ptp(values)))
    return 4 * float(np.finfo(np.float64).eps) * len(places) * extent


def _farthest(a: Array, b: Array) -> float:
    if a.shape[1] == 1:
        return float(max(a.max() - b.min(), b.max() - a.min()))
    size = max(1, ROWS // len(b))
    return max(float(cdist(a[i : i + size], b).max()) for i in range(0, len(a), size))
