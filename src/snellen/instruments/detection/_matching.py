"""Which detection stands for which object, as COCO decides it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from snellen._errors import UsageError
from snellen.instruments.detection.boxes import iou
from snellen.instruments.detection.detections import Detections
from snellen.subject.scenes import Objects

ALMOST = 1 - 1e-10
"""A threshold of 1 asks for this, as in the COCO tools."""


def matched(overlap: NDArray[np.float64], thresholds: Sequence[float], ignored: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(t, a, d) the object that each detection takes at each threshold in each range of sizes; -1 for none.

    In descending score each detection takes the free object of the highest IoU of at least the threshold, the later of
    equals; one that is ignored only where no other is to be had.

    Args:
        overlap: (d, g), the IoU of the detections of one class, the surest first, with the objects of that class.
        thresholds: t of them.
        ignored: (a, g), the objects that do not count in each of a ranges of sizes.
    """
    few, many = overlap.shape
    taken = np.full((len(thresholds), len(ignored), few), -1)
    if not few or not many:
        return taken
    order = np.argsort(ignored, axis=1, kind="stable")[:, ::-1]  # the last of equals comes first, the ignored before
    rows, last = np.ogrid[: len(thresholds), : len(ignored)], np.take_along_axis(ignored, order, axis=1)
    enough = np.minimum(np.asarray(thresholds), ALMOST)[:, None, None]
    free = np.ones((len(thresholds), len(ignored), many), dtype=bool)
    for d in np.flatnonzero(overlap.max(axis=1) >= enough.min()):
        here = overlap[d][order]
        possible = np.where(free & (here >= enough), here, -1.0)
        counted = np.where(last, -1.0, possible)
        pick = np.where(counted.max(axis=2, keepdims=True) >= 0, counted, possible)
        best = pick.argmax(axis=2)
        found = pick.max(axis=2) >= 0
        free[(*rows, best)] &= ~found
        taken[:, :, d] = np.where(found, order[np.arange(len(ignored)), best], -1)
    return taken


def overlaps(found: Detections, truth: Objects) -> NDArray[np.float64]:
    """(d, g) the IoU of every detection with every object, in float64.

    Raises:
        UsageError: NaN or reversed boxes, NaN scores.
    """
    if found.scores.isnan().any():
        raise UsageError("expected scores, got NaN: has the network failed?")
    values: NDArray[np.float64] = iou(found.boxes.detach().cpu().double(), truth.boxes.cpu().double()).numpy()
    return values


def paired(found: Sequence[Detections], truth: Sequence[Objects]) -> list[tuple[Detections, Objects]]:
    """The detections and the objects of each image.

    Raises:
        UsageError: not one entry an image in both.
    """
    if len(found) != len(truth):
        raise UsageError(
            f"expected the detections of each of {len(truth)} images, got those of {len(found)}; an image where "
            "nothing was found has empty ones"
        )
    return list(zip(found, truth, strict=True))
