"""What the curves of a training say: did it learn, did it go on too long, is it sure of what it does not know?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from snellen.training.watch import Row

FEW = 5
"""Fewer epochs than these make no curve."""
PART = 0.05
"""A rise of the validation loss of less than this part of its minimum is no rise."""
ERRORS = 2.0
"""Nor is one of fewer standard errors."""
WIDTH = 3
"""Epochs over which a curve is smoothed."""

Shape = Literal["too short", "learned nothing", "overfitted", "over-confident", "still learning", "sound"]


@dataclass(frozen=True)
class Reading:
    """The curves, read.

    Attributes:
        shape: what they look like, in a word.
        best: the epoch, counted from 1, after which the validation loss was lowest (:func:`best_epoch`).
        epochs: in all.
        floor: the lowest smoothed validation loss, in nats.
        rise: of the smoothed validation loss since it was at its floor.
        needed: the rise that would have counted: a part of the minimum and 2 standard errors, whichever is larger.
        risen: epochs since the validation loss has been above its minimum by that, without a break to the end.
        fell: by how much the smoothed training loss fell over the same epochs.
        lost: validation accuracy after the best epoch less that after the last one.
        train: smoothed training loss of each epoch.
        val: smoothed validation loss of each epoch.
    """

    shape: Shape
    best: int
    epochs: int
    floor: float
    rise: float
    needed: float
    risen: int
    fell: float
    lost: float
    train: tuple[float, ...]
    val: tuple[float, ...]


def read_curves(rows: Sequence[Row], classes: int) -> Reading:
    """Read the rows of a training, by a rule that leaves healthy curves alone.

    Overfitted: the validation loss, smoothed over 3 epochs, has risen above its minimum by 5 % of it and by 2 standard
    errors of the difference, has stayed there for 3 epochs or a tenth of all, and the training loss fell meanwhile. If
    the validation accuracy did not fall by more than its standard error, it is over-confident: wrong no more often than
    at its best, but surer of what it is wrong about. The standard errors are those of two independent samples, larger
    than those of the same images seen twice: the rule errs towards silence. That validation does better than training
    is no fault, and is not looked for.

    Args:
        rows: with ``train_loss``, ``val_loss``, ``val_loss_error``, ``val_accuracy`` and ``val_count``.
        classes: of the network.

    >>> falling = [2.3, 1.5, 1.0, 0.7, 0.5, 0.3, 0.2, 0.1]
    >>> rows = [{"train_loss": loss, "val_loss": loss + 0.1, "val_loss_error": 0.01, "train_accuracy": 0.9,
    ...          "val_accuracy": 0.9, "val_count": 500} for loss in falling]
    >>> read_curves(rows, 10).shape
    'still learning'
    """
    train, val = (smooth([row[f"{part}_loss"] for row in rows]) for part in ("train", "val"))
    best, low = best_epoch(rows), min(range(len(rows)), key=val.__getitem__)
    error = math.hypot(rows[low]["val_loss_error"], rows[-1]["val_loss_error"])
    needed = max(PART * val[low], ERRORS * error)
    risen = next((i for i, loss in enumerate(reversed(val[low + 1 :])) if loss - val[low] < needed), None)
    risen = len(val) - 1 - low if risen is None else risen
    fell, lost = train[low] - train[-1], rows[best - 1]["val_accuracy"] - rows[-1]["val_accuracy"]
    shape: Shape = "sound"
    if len(rows) < FEW:
        shape = "too short"
    elif _blind(rows[-1], classes):
        shape = "learned nothing"
    elif risen >= max(3, math.ceil(len(rows) / 10)) and fell > 0:
        spread = math.sqrt(sum(_variance(row) for row in (rows[best - 1], rows[-1])))
        shape = "overfitted" if lost > spread else "over-confident"
    elif low == len(rows) - 1 and val[-1 - WIDTH] - val[-1] > max(PART * val[-1], error):
        shape = "still learning"
    rise = val[-1] - val[low]
    return Reading(shape, best, len(rows), val[low], rise, needed, risen, fell, lost, tuple(train), tuple(val))


def best_epoch(rows: Sequence[Row]) -> int:
    """The epoch, counted from 1, after which the validation loss was lowest, as it was measured and not smoothed.

    It is the one whose weights patience keeps, and the only one that is called the best. Smoothing serves to tell a
    rise from noise.

    >>> best_epoch([{"val_loss": 0.5}, {"val_loss": 0.2}, {"val_loss": 0.3}])
    2
    """
    return 1 + min(range(len(rows)), key=lambda i: rows[i]["val_loss"])


def smooth(values: Sequence[float]) -> list[float]:
    """The mean of each value and its neighbours either side, fewer at the ends.

    >>> smooth([0.0, 3.0, 0.0, 0.0])
    [1.5, 1.0, 1.0, 0.0]
    """
    reach = WIDTH // 2
    parts = [values[max(i - reach, 0) : i + reach + 1] for i in range(len(values))]
    return [sum(part) / len(part) for part in parts]


def _blind(row: Row, classes: int) -> bool:
    """Whether the last epoch is no better than knowing nothing, in training too."""
    return row["train_loss"] > 0.98 * math.log(classes) and row["train_accuracy"] < 1.5 / classes


def _variance(row: Row) -> float:
    return row["val_accuracy"] * (1 - row["val_accuracy"]) / max(row["val_count"], 1)
