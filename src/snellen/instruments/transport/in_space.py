"""The cheapest transport between points in space: by assignment, or by a linear program; and its 1-Lipschitz function.

Both solvers are SciPy's. What they say is not believed: see :mod:`snellen.instruments.transport.certificate`.
"""

from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import linear_sum_assignment, linprog
from scipy.spatial.distance import cdist

from snellen._errors import NotApplicable
from snellen.instruments.transport._points import Array

Plan = tuple[Any, Array]
"""Sparse (n, m) masses, and (m,) what the dual says at the points of B."""


def assigned(cost: Array) -> Plan:
    """One point of A to each of B: for as many points on either side, each with the same mass.

    The solver gives pairs only. The dual needs v with v_s(i) <= v_j + c_ij - c_is(i) for all i and j, where s(i) is the
    partner of i. Those are shortest paths, found by the steps of Bellman and Ford; the pairs are the cheapest exactly
    if no cycle is negative.

    Args:
        cost: (n, n) distances.

    Reference: Crouse 2016, On implementing 2D rectangular assignment algorithms (SciPy's); Ahuja, Magnanti and Orlin
    1993, Network flows, chapter 12.

    >>> plan, dual = assigned(np.array([[2.0, 1.0], [1.0, 2.0]]))
    >>> plan.toarray().tolist(), dual.tolist()
    ([[0.0, 0.5], [0.5, 0.0]], [0.0, 0.0])
    """
    rows, partner = linear_sum_assignment(cost)
    n, paid = len(rows), cost[rows, partner]
    dual, least = np.zeros(n), 1e-15 * float(cost.max())
    for _ in range(n):
        shorter = np.min(cost + dual, axis=1) - paid
        if not (dual[partner] - shorter > least).any():
            break
        dual[partner] = np.minimum(dual[partner], shorter)
    return sparse.coo_array((np.full(n, 1 / n), (rows, partner)), shape=(n, n)), dual


def programmed(cost: Array, of_a: Array, of_b: Array) -> Plan:
    """Any numbers of points with any masses: min sum c_ij p_ij with the rows of p summing to A, its columns to B.

    Args:
        cost: (n, m) distances.
        of_a: (n,) masses with the sum 1.
        of_b: (m,) masses with the sum 1.

    Raises:
        NotApplicable: the solver gave up, with its reason.

    Reference: Kantorovich 1942; Huangfu and Hall 2018, Parallelizing the dual revised simplex method (HiGHS).

    >>> plan, dual = programmed(np.array([[1.0, 3.0]]), np.ones(1), np.array([0.25, 0.75]))
    >>> plan.toarray().tolist(), (dual[0] - dual[1]).item()
    ([[0.25, 0.75]], 2.0)
    """
    n, m = cost.shape
    unit = float(cost.max()) or 1.0
    sums = sparse.vstack(
        [
            sparse.kron(sparse.eye_array(n), np.ones((1, m)), format="csr"),
            sparse.kron(np.ones((1, n)), sparse.eye_array(m), format="csr"),
        ],
        format="csr",
    )
    tight = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
    found = linprog(cost.ravel() / unit, A_eq=sums, b_eq=np.concatenate([of_a, of_b]), method="highs-ds", options=tight)
    if found.x is None:
        raise NotApplicable(f"the linear program of {n:,} x {m:,} variables was not solved: {found.message}")
    plan = sparse.coo_array(np.maximum(found.x, 0).reshape(n, m))
    return plan, -unit * np.asarray(found.eqlin.marginals[n:])


def space_potential(a: Array, b: Array, dual: Array) -> tuple[Array, Array]:
    """(n,) and (m,): f(x) = min_j (v_j + |x - b_j|), which is 1-Lipschitz whatever the v_j are.

    On A it is not below, and on B not above what the dual says, so it is worth as much.

    Args:
        a: (n, d).
        b: (m, d).
        dual: (m,), the v_j.

    >>> space_potential(np.array([[3.0, 4.0]]), np.zeros((1, 2)), np.zeros(1))
    (array([5.]), array([0.]))

    Reference: McShane 1934, Extension of range of functions.
    """
    on_a, on_b = extended(a, b, dual), extended(b, b, dual)
    least = min(on_a.min(), on_b.min())
    return on_a - least, on_b - least


def extended(places: Array, b: Array, values: Array, *, size: int = 2_000_000) -> Array:
    """(k,) min_j (values_j + |x - b_j|) at places (k, d)."""
    step = max(1, size // len(b))
    parts = [np.min(cdist(places[i : i + step], b) + values, axis=1) for i in range(0, len(places), step)]
    return np.concatenate(parts) if parts else np.zeros(0)
