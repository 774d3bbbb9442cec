"""The cheapest transport on a line: the smallest goes to the smallest, quantile by quantile."""

from typing import Any

import numpy as np
from scipy.sparse import coo_array

from snellen.instruments.transport._points import Array

NONE = 1e-13
"""A difference between two distribution functions below this is rounding: the function may be flat there."""


def sorted_plan(a: Array, b: Array, of_a: Array, of_b: Array) -> Any:
    """The plan of the quantiles, sparse (n, m) with fewer than n + m entries.

    W1 = integral over u in [0, 1] of |F_A^-1(u) - F_B^-1(u)|: the quantile functions are steps, so [0, 1] is cut where
    either jumps, and each part is mass that goes from a point of A to one of B.

    Args:
        a: (n,) places.
        b: (m,) places.
        of_a: (n,) masses with the sum 1.
        of_b: (m,) masses with the sum 1.

    >>> half = np.array([0.5, 0.5])
    >>> sorted_plan(np.array([3.0, 1.0]), np.array([0.0, 5.0]), half, half).toarray()
    array([[0. , 0.5],
           [0.5, 0. ]])

    Reference: Vallender 1974, Calculation of the Wasserstein distance between probability distributions on the line.
    """
    first, second = np.argsort(a, kind="stable"), np.argsort(b, kind="stable")
    up_a, up_b = np.cumsum(of_a[first]), np.cumsum(of_b[second])
    cuts = np.sort(np.concatenate([[0.0], up_a[:-1], up_b[:-1], [1.0]]))
    mass, middle = np.diff(cuts), (cuts[1:] + cuts[:-1]) / 2
    from_a = first[np.minimum(np.searchsorted(up_a, middle, side="right"), len(a) - 1)]
    to_b = second[np.minimum(np.searchsorted(up_b, middle, side="right"), len(b) - 1)]
    moved = mass > 0
    return coo_array((mass[moved], (from_a[moved], to_b[moved])), shape=(len(a), len(b)))


def line_potential(a: Array, b: Array, of_a: Array, of_b: Array) -> tuple[Array, Array]:
    """(n,) and (m,): a 1-Lipschitz function whose mean over A less that over B is W1.

    Its slope is 1 where more of A than of B is still to come, -1 where less is, 0 where it does not matter:
    mean_A f - mean_B f = integral of f' (F_B - F_A).

    Args:
        a: (n,) places.
        b: (m,) places.
        of_a: (n,) masses with the sum 1.
        of_b: (m,) masses with the sum 1.

    >>> one = np.ones(1)
    >>> line_potential(np.array([3.0]), np.array([1.0]), one, one)
    (array([2.]), array([0.]))
    """
    places, masses = np.concatenate([a, b]), np.concatenate([-of_a, of_b])
    order = np.argsort(places, kind="stable")
    ahead = np.cumsum(masses[order])[:-1]  # F_B - F_A between one place and the next
    slope = np.where(abs(ahead) > NONE, np.sign(ahead), 0.0)
    values = np.empty(len(places))
    values[order] = np.concatenate([[0.0], np.cumsum(slope * np.diff(places[order]))])
    values -= values.min()
    return values[: len(a)], values[len(a) :]
