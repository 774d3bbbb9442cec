"""The cross-entropy of stochastic vectors and one-hot labels: one logarithm a sample, no value for the rest."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snellen._errors import UsageError

NEAR = 1e-4
"""A row of z may sum to 1 within this: the rounding of a float32 softmax over thousands of classes."""


def cross_entropy(z: ArrayLike, y: ArrayLike) -> float:
    """The cross-entropy of a data set, in nats: the sum over its samples.

    CE(z; y) = -sum_i y_i ln z_i. A one-hot y is 1 at its class c and 0 elsewhere, and 0 ln 0 = 0, so one term is left
    of each sample: CE(z; y) = -ln z_c.

    Args:
        z: (n, k) or (k,), what a network says: each row at least 0 and with the sum 1 within 1e-4.
        y: labels of the same shape, each row one 1 and zeros.

    Raises:
        UsageError: z is not stochastic, because the loss would have no lower bound; y is not one-hot; NaN or infinite
            values; shapes that differ or hold nothing.

    >>> round(cross_entropy([0.8, 0.2], [1, 0]), 6), round(cross_entropy([[0.8, 0.2], [0.5, 0.5]], [[1, 0], [0, 1]]), 6)
    (0.223144, 0.916291)

    Reference: Shannon 1948, A mathematical theory of communication; Good 1952, Rational decisions.
    """
    rows, labels = checked(z, y)
    with np.errstate(divide="ignore"):  # a probability of 0 for what happened costs infinitely much
        return float(0.0 - np.log(rows[np.arange(len(rows)), labels]).sum())


def checked(z: ArrayLike, y: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Rows (n, k) and the class of each (n,), if a cross-entropy is defined for them.

    Raises:
        UsageError: as :func:`cross_entropy`.
    """
    rows, hot = _table(z, "z"), _table(y, "y")
    if rows.shape != hot.shape:
        raise UsageError(f"z and y must have the same shape, got {np.shape(z)} and {np.shape(y)}; y is one-hot")
    for name, table in (("z", rows), ("y", hot)):
        if not np.isfinite(table).all():
            raise UsageError(f"{name} must be finite, and its row {_first(~np.isfinite(table).all(1))} is not")
    wrong = ((hot != 0) & (hot != 1)).any(1) | (hot.sum(1) != 1)
    if wrong.any():
        i = _first(wrong)
        raise UsageError(f"y must be one-hot, a single 1 among zeros in every row; row {i} is {_short(hot[i])}")
    if (rows < 0).any():
        i = _first((rows < 0).any(1))
        raise UsageError(
            f"z must be stochastic, and row {i} is {_short(rows[i])}: ln z has no value below 0. Give probabilities: "
            "softmax the scores first."
        )
    off = abs(rows.sum(1) - 1) > NEAR
    if off.any():
        i = _first(off)
        raise UsageError(
            f"z must be stochastic, and row {i}, {_short(rows[i])}, sums to {rows[i].sum():.6g}: without the sum 1 "
            "the cross-entropy has no lower bound. Ten times the row costs ln 10 = 2.303 less, again and again, and "
            "nothing is learnt by it. Softmax the scores first."
        )
    return rows, hot.argmax(1)


def _table(values: ArrayLike, name: str) -> NDArray[np.float64]:
    try:
        table = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{name} must be rows of numbers of one length, got {values!r:.80}") from error
    if table.ndim not in (1, 2) or not table.size:
        raise UsageError(f"{name} must be (n, k) or (k,) and hold something, got the shape {table.shape}")
    return np.atleast_2d(table)


def _first(rows: Any) -> int:
    return int(rows.argmax())


def _short(row: NDArray[np.float64]) -> str:
    told = ", ".join(f"{value:g}" for value in row[:4])
    return f"({told}{', ...' if len(row) > 4 else ''})"
