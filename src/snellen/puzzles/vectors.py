"""Permutations as they are stored: rows or class numbers, from 0 or from 1, with gaps."""

from itertools import permutations
from math import factorial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snellen._errors import ImagesError
from snellen.puzzles.grid import MOST_ARRANGEMENTS, Grid

NAMED = 5


def permutation_vectors(
    array: NDArray[Any], grid: Grid, *, label: str = "permutations"
) -> tuple[NDArray[np.int64], list[str]]:
    """(k, m) int64 rows of 0 to m - 1, -1 throughout where unknown, and what had to be done for it.

    Args:
        array: (k, m) rows of 0 to m - 1 or all of 1 to m; or (k,) or (k, 1) class numbers, 0 to m! - 1 in
            lexicographic order. -1 or NaN says unknown.
        grid: rows and columns of m pieces.
        label: what messages call the array.

    Raises:
        ImagesError: another shape, or rows that are no permutation, up to 5 named by index.

    >>> permutation_vectors(np.array([[2.0, 1, 3, 4], [np.nan] * 4]), Grid(2, 2), label="p")
    (array([[ 1,  0,  2,  3],
           [-1, -1, -1, -1]]), ['p counts positions from 1'])
    """
    if array.dtype.kind not in "iuf":
        raise ImagesError(f"{label} must hold numbers, got {array.dtype}")
    if array.ndim == 1 or (array.ndim == 2 and array.shape[1] == 1):
        return _from_classes(array.reshape(-1), grid, label)
    if array.ndim != 2 or array.shape[1] != grid.pieces:
        raise ImagesError(
            f"{label} must have shape (k, {grid.pieces}) for a {grid} grid, or (k,), got {array.shape}. "
            "Say which grid it is (--grid), or which array holds the permutations (--permutations-key)."
        )
    values = np.where(np.isnan(array), -1, array) if array.dtype.kind == "f" else array
    unknown = (values == -1).all(axis=1)
    ordered = np.sort(values, axis=1)
    right = (ordered == np.arange(grid.pieces)).all(axis=1)
    from_one = (ordered == np.arange(1, grid.pieces + 1)).all(axis=1)
    notes = []
    if from_one.any() and not right.any():
        values, right = np.where(unknown[:, None], values, values - 1), from_one
        notes.append(f"{label} counts positions from 1")
    wrong = np.flatnonzero(~right & ~unknown)
    if len(wrong):
        listed = "; ".join(f"row {i} is {_plain(array[i])}" for i in wrong[:NAMED])
        raise ImagesError(
            f"{label} must hold each of 0 to {grid.pieces - 1} once in every row, or -1 throughout where unknown; "
            f"{len(wrong)} of {len(array)} rows do not: {listed}{'; ...' if len(wrong) > NAMED else ''}. "
            "Correct these rows, or set them to -1."
        )
    return values.astype(np.int64), notes


def _from_classes(array: NDArray[Any], grid: Grid, label: str) -> tuple[NDArray[np.int64], list[str]]:
    if not grid.countable:
        raise ImagesError(
            f"{label} has shape {array.shape}; class numbers are read for up to {MOST_ARRANGEMENTS} arrangements, and "
            f"a {grid} grid has {grid.pieces}!. Store the permutations themselves: (k, {grid.pieces})."
        )
    count = factorial(grid.pieces)
    values = np.where(np.isnan(array), -1, array) if array.dtype.kind == "f" else array
    wrong = np.flatnonzero((values < -1) | (values >= count) | (values != np.round(values)))
    if len(wrong):
        listed = "; ".join(f"row {i} is {_plain(array[i])}" for i in wrong[:NAMED])
        raise ImagesError(
            f"{label} must be class numbers from 0 to {count - 1}, or -1 where unknown; {len(wrong)} of {len(array)} "
            f"are not: {listed}{'; ...' if len(wrong) > NAMED else ''}. Correct them, or set them to -1."
        )
    table = np.array([*permutations(range(grid.pieces)), (-1,) * grid.pieces], dtype=np.int64)
    return table[values.astype(np.int64)], [
        f"{label} are class numbers of the {count} permutations in lexicographic order"
    ]


def _plain(row: NDArray[Any]) -> str:
    return " ".join(f"{value:g}" for value in np.atleast_1d(row))
