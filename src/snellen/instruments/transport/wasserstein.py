"""The Wasserstein-1 distance between two finite samples, exactly, with the proof."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.distance import cdist

from snellen._errors import InputError, NotApplicable
from snellen.instruments.transport._points import Array, masses, pair, points
from snellen.instruments.transport.certificate import Certificate, certify
from snellen.instruments.transport.in_space import assigned, extended, programmed, space_potential
from snellen.instruments.transport.on_a_line import line_potential, sorted_plan

MOST_BYTES = 2 * 1024**3
EACH = {"assignment": 16, "linear program": 240}
"""Bytes that a pair of points costs: its distance and a copy; or a variable of the program, as HiGHS keeps it."""
Method = Literal["line", "assignment", "linear program"]


@dataclass(frozen=True, eq=False)
class Transport:
    """The cheapest way to move A onto B, and the function that shows that there is no cheaper one.

    Attributes:
        distance: W1, the mean distance that mass is moved.
        plan: sparse (n, m), the mass that goes from a point of A to one of B.
        potential_a: (n,) a 1-Lipschitz function f on A; mean_A f - mean_B f = W1. Its least value is 0.
        potential_b: (m,) the same function on B.
        certificate: that both are what they should be.
        method: ``line``, ``assignment`` or ``linear program``.
    """

    distance: float
    plan: Any
    potential_a: Array
    potential_b: Array
    certificate: Certificate
    method: Method
    _b: Array

    def potential(self, places: ArrayLike) -> Array:
        """(k,) the function anywhere, f(x) = min_j (f(b_j) + |x - b_j|), 1-Lipschitz in the whole space.

        Args:
            places: (k, d), or (k,) on a line.

        Raises:
            InputError: places in another space.
        """
        table = points(places, "places")
        if table.shape[1] != self._b.shape[1]:
            raise InputError(f"places must have {self._b.shape[1]} coordinates, got {table.shape[1]}")
        return extended(table, self._b, self.potential_b)


def wasserstein(
    a: ArrayLike, b: ArrayLike, *, weights_a: ArrayLike | None = None, weights_b: ArrayLike | None = None
) -> Transport:
    """The Wasserstein-1 distance between two finite samples, with Euclidean distances.

    W1(A, B) = min over plans p of sum_ij p_ij |a_i - b_j| = max over 1-Lipschitz f of mean_A f - mean_B f.

    On a line the sorted quantiles are the answer, for any sizes. In space the answer is an assignment where both
    samples have as many points without weights, else a linear program. Either way the plan and the function are checked
    against each other, by code that knows no solver.

    Args:
        a: (n, d) points, or (n,) on a line; an array, nested lists, a tensor.
        b: (m, d) or (m,).
        weights_a: (n,) at least 0; divided by their sum. Equal ones if not given.
        weights_b: (m,) likewise.

    Raises:
        InputError: nothing in a sample, NaN, different spaces, more pairs of points than 2 GiB hold.
        UsageError: weights that do not fit the points.
        NotApplicable: the solver gave up, or its answer failed the check; the message says what is certain.

    >>> found = wasserstein([[3, 1]], [[-2, 2]])
    >>> found.distance == 26 ** 0.5, found.certificate.holds
    (True, True)
    >>> wasserstein([0, 1, 3], [5, 6, 8]).distance
    5.0

    Reference: Kantorovich and Rubinstein 1958; Peyre and Cuturi 2019, Computational optimal transport,
    arXiv:1803.00567, chapters 2, 3 and 6.
    """
    one, other = pair(a, b)
    of_a, of_b = masses(weights_a, len(one), "a"), masses(weights_b, len(other), "b")
    if one.shape[1] == 1:
        method: Method = "line"
        line = one[:, 0], other[:, 0], of_a, of_b
        plan, (on_a, on_b) = sorted_plan(*line), line_potential(*line)
    else:
        alike = len(one) == len(other) and np.ptp(of_a) == np.ptp(of_b) == 0
        method = "assignment" if alike else "linear program"
        _fits(len(one), len(other), method)
        cost = cdist(one, other)
        plan, dual = assigned(cost) if alike else programmed(cost, of_a, of_b)
        del cost
        on_a, on_b = space_potential(one, other, dual)
    proof = certify((one, other), (of_a, of_b), plan, (on_a, on_b))
    if not proof.holds:
        raise NotApplicable(
            f"the {method} was not solved to 1e-9: its plan costs {proof.primal:.12g} with masses wrong by "
            f"{proof.masses:.1e}, and its function of Lipschitz constant {proof.lipschitz:.12g} says "
            f"{proof.dual:.12g}. Take fewer points, or points that are not so far apart in scale."
        )
    return Transport(proof.primal, plan, on_a, on_b, proof, method, other)


def _fits(n: int, m: int, method: Method) -> None:
    need = n * m * EACH[method]
    if need > MOST_BYTES:
        raise InputError(
            f"{n:,} x {m:,} pairs of points need {need:,} bytes for the {method}, and the most is {MOST_BYTES:,}: "
            "take fewer points, drawn at random; an assignment (as many points in A as in B, no weights) needs less"
        )
