"""Samples as they are computed with: points in float64, weights with the sum 1."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snellen._errors import InputError, UsageError

Array = NDArray[np.float64]


def points(values: ArrayLike, name: str) -> Array:
    """(n, d) float64; (n,) are n points on a line.

    Raises:
        InputError: no numbers, no points, NaN or infinite coordinates, more than two axes.
    """
    try:
        table = np.asarray(values.detach().cpu().double() if hasattr(values, "detach") else values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} must be points with the same number of coordinates each, got {error}") from error
    if table.ndim == 1:
        table = table[:, None]
    if table.ndim != 2 or not table.size:
        raise InputError(f"{name} must be (points, coordinates) and hold something, got the shape {table.shape}")
    wrong = ~np.isfinite(table).all(1)
    if wrong.any():
        raise InputError(
            f"{name} must be finite, and {int(wrong.sum()):,} of its {len(table):,} points are not; the first is "
            f"number {int(wrong.argmax()) + 1}: take them out, or mend what made them"
        )
    return table


def pair(a: ArrayLike, b: ArrayLike) -> tuple[Array, Array]:
    """Two samples in the same space.

    Raises:
        InputError: as :func:`points`; different numbers of coordinates.
    """
    one, other = points(a, "A"), points(b, "B")
    if one.shape[1] != other.shape[1]:
        raise InputError(
            f"A and B must lie in the same space, and the points of A have {one.shape[1]} coordinates, those of B "
            f"{other.shape[1]}"
        )
    return one, other


def masses(weights: ArrayLike | None, count: int, name: str) -> Array:
    """(n,) with the sum 1: the given ones divided by their sum, or 1/n each.

    Raises:
        UsageError: another number of weights than points, negative or no finite ones, or nothing but zeros.
    """
    if weights is None:
        return np.full(count, 1 / count)
    found = np.asarray(weights, dtype=np.float64)
    if found.shape != (count,):
        raise UsageError(f"weights_{name} must be one number a point, {count:,} in all, got the shape {found.shape}")
    if not np.isfinite(found).all() or (found < 0).any() or not found.any():
        raise UsageError(f"weights_{name} must be finite, at least 0 and not all 0")
    return np.asarray(found / found.sum())
