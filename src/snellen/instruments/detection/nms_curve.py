"""What the threshold of non-maximum suppression does: too low loses neighbours, too high leaves duplicates."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from snellen.instruments.detection.average_precision import coco_average_precision
from snellen.instruments.detection.detections import Detections
from snellen.instruments.detection.mistakes import Mistakes, mistakes
from snellen.instruments.detection.suppression import Method, suppressed
from snellen.subject.scenes import Objects

THRESHOLDS: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
UNLIMITED = 10**9


@dataclass(frozen=True)
class NMSPoint:
    """What one threshold does.

    Attributes:
        threshold: the IoU above which the less sure of two boxes of a class goes.
        kept: boxes an image that stay with at least the score that was asked for.
        ap: mean of the average precision over the IoU 0.5 to 0.95 (COCO).
        ap50: at an IoU of 0.5.
        duplicates: boxes of that score or more at an object that a surer one has.
        lost: objects that a candidate of that score or more is at, and no box that stayed: neighbours of others.
    """

    threshold: float
    kept: float
    ap: float
    ap50: float
    duplicates: int
    lost: int


def nms_curve(
    candidates: Sequence[Detections],
    truth: Sequence[Objects],
    *,
    score: float,
    thresholds: Sequence[float] = THRESHOLDS,
    method: Method = "greedy",
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> tuple[NMSPoint, ...]:
    """Suppress the same candidates with one threshold after the other.

    Args:
        candidates: of each image, before any suppression.
        truth: the objects of each image, in the same order.
        score: from which on boxes, duplicates and lost objects are counted; average precision looks at all.
        thresholds: of the IoU, from 0 to 1.
        method: ``greedy`` or ``soft``.
        progress: called with thresholds done and in all.

    Raises:
        UsageError: not one entry an image in both, a threshold outside [0, 1].

    >>> import torch
    >>> said = Detections(torch.tensor([[0.0, 0, 9, 9], [0, 0, 9, 8]]), torch.tensor([0.9, 0.5]), torch.tensor([0, 0]))
    >>> points = nms_curve([said], [Objects([[0, 0, 9, 9]], [0])], score=0.5, thresholds=(0.5, 0.9))
    >>> [point.duplicates for point in points]
    [0, 1]
    """
    sure = [said.at_least(score) for said in candidates]
    reachable = _had(mistakes(sure, truth))
    points = []
    for done, threshold in enumerate(thresholds, 1):
        kept = [suppressed(said, threshold, method=method) for said in candidates]
        shown = [said.at_least(score) for said in kept]
        told = mistakes(shown, truth)
        precision = coco_average_precision(kept, truth, sizes={"all": (0.0, 1e10)}, most=UNLIMITED)
        points.append(
            NMSPoint(
                threshold,
                sum(map(len, shown)) / max(len(shown), 1),
                precision.mean,
                precision.at(0.5),
                told.counts["duplicate"],
                len(reachable - _had(told)),
            )
        )
        progress(done, len(thresholds))
    return tuple(points)


def _had(told: Mistakes) -> set[tuple[int, int | None]]:
    """The objects that a detection stands for."""
    return {(one.image, one.object) for one in told.of("correct")}
