"""Which detection stands for which object, as COCO decides it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from snellen._errors import UsageError
from snellen.instruments.detection.boxes import area, iou
from snellen.instruments.detection.detections import Detections
from snellen.subject.scenes import Objects

ALMOST = 1 - 1e-10
"""A threshold of 1 asks for this, as in the COCO tools."""


def matched(
    overlap: NDArray[np.float64], thresholds: Sequence[float], ignored: NDArray[np.bool_], aside: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """(t, a, d) the object that each detection takes at each threshold in each range of sizes; -1 for none.

    In descending score each detection takes the free object of the highest overlap of at least the threshold, the later
    of equals; one that is ignored only where no other is to be had.

    Args:
        overlap: (d, g), of the detections of one class, the surest first, with what stands there of that class.
        thresholds: t of them.
        ignored: (a, g), the objects that do not count in each of a ranges of sizes.
        aside: (g,), which of these are ignored in all of them, and can be taken again and again.
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
        free[(*rows, best)] &= ~found | aside[order[np.arange(len(ignored)), best]]
        taken[:, :, d] = np.where(found, order[np.arange(len(ignored)), best], -1)
    return taken


@dataclass(frozen=True, eq=False)
class Standing:
    """All that stands in an image: first the objects, then what is ignored.

    Attributes:
        boxes: (g, 4) float64.
        classes: (g,).
        aside: (g,), which are ignored.
        crowd: (g,), which are crowds.
    """

    boxes: Tensor
    classes: NDArray[np.int64]
    aside: NDArray[np.bool_]
    crowd: NDArray[np.bool_]


def standing(truth: Objects) -> Standing:
    """All that stands in an image."""
    ignored = truth.ignored
    aside = np.arange(len(truth) + len(ignored)) >= len(truth)
    crowd = np.zeros(len(aside), dtype=bool)
    crowd[len(truth) :] = ignored.crowd.cpu().numpy()
    return Standing(
        torch.cat([truth.boxes, ignored.boxes]).cpu().double(),
        torch.cat([truth.classes, ignored.classes]).cpu().numpy(),
        aside,
        crowd,
    )


def overlaps(found: Detections, there: Standing) -> NDArray[np.float64]:
    """(d, g) the IoU of every detection with all that stands there; with a crowd the share of the detection in it.

    Raises:
        UsageError: NaN or reversed boxes, NaN scores.
    """
    if found.scores.isnan().any():
        raise UsageError("expected scores, got NaN: has the network failed?")
    said = found.boxes.detach().cpu().double()
    values: NDArray[np.float64] = iou(said, there.boxes).numpy()
    if there.crowd.any():
        values[:, there.crowd] = _within(said, there.boxes[torch.from_numpy(there.crowd)]).numpy()
    return values


def _within(boxes: Tensor, regions: Tensor) -> Tensor:
    """(d, g) how much of each box lies in each region; 0 for one without area."""
    low = torch.maximum(boxes[:, None, :2], regions[None, :, :2])
    high = torch.minimum(boxes[:, None, 2:], regions[None, :, 2:])
    return (high - low).clamp(min=0).prod(dim=2) / area(boxes).clamp(min=torch.finfo(torch.float64).tiny)[:, None]


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
