"""Soft non-maximum suppression: boxes that overlap a surer one lose score instead of going."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from jaxtyping import Float, Int
from torch import Tensor

from snellen._errors import UsageError, unknown
from snellen.instruments.detection.nms import _overlap, sorted_by_score

Decay = Literal["linear", "gaussian"]
DECAYS: tuple[Decay, ...] = get_args(Decay)


@dataclass(frozen=True, eq=False)
class Rescored:
    """Boxes with what is left of their scores, the surest first.

    Attributes:
        indices: (k,) which boxes.
        scores: (k,) in the dtype of the scores given, descending.
    """

    indices: Int[Tensor, "k"]
    scores: Float[Tensor, "k"]


def soft_nms(
    boxes: Float[Tensor, "n 4"],
    scores: Float[Tensor, "n"],
    classes: Int[Tensor, "n"] | None = None,
    *,
    decay: Decay = "gaussian",
    threshold: float = 0.3,
    sigma: float = 0.5,
    least: float = 0.001,
) -> Rescored:
    """The boxes in the order in which each, the surest first, takes score from those that it overlaps.

    The surest box is taken, the score of every box that is left is multiplied by f(IoU with it), and so on. Linear:
    f = 1 - IoU where IoU > threshold, else 1. Gaussian: f = exp(-IoU² / sigma). Every box taken is measured against all
    of its class that are left, so the time grows with the square of their number.

    Args:
        boxes: (n, 4), left, top, right, bottom.
        scores: (n,), at least 0.
        classes: (n,) integers: a box takes score only from those of its class. Without them all are of one.
        decay: ``linear`` or ``gaussian``.
        threshold: the IoU from which on ``linear`` acts.
        sigma: the width of ``gaussian``.
        least: boxes whose score falls below this are left out.

    Raises:
        UsageError: as :func:`~snellen.instruments.detection.nms.class_wise_nms`, and scores below 0, an unknown decay,
            a sigma that is not above 0.

    Reference: Bodla et al. 2017, Soft-NMS: improving object detection with one line of code, ICCV.

    >>> boxes = torch.tensor([[0.0, 0, 4, 4], [0, 0, 4, 2], [8, 8, 9, 9]])
    >>> soft_nms(boxes, torch.tensor([1.0, 0.5, 0.75]), decay="linear")
    Rescored(indices=tensor([0, 2, 1]), scores=tensor([1.0000, 0.7500, 0.2500]))
    """
    left, classes, order = prepared(boxes, scores, classes, decay, sigma)
    if not 0 <= threshold <= 1:
        raise UsageError(f"expected a threshold of the IoU from 0 to 1, got {threshold}")
    with torch.no_grad():
        corners, left, classes = boxes[order].double().T, left[order], classes[order]
        rows = [(classes == name).nonzero()[:, 0] for name in classes.unique()]
        taken = (_taken(corners[:, r], left[r], r, decay, threshold, sigma, max(least, 0.0)) for r in rows)
        found = sorted((-score, place) for of_class in taken for score, place in of_class)
    places = torch.tensor([place for _, place in found], dtype=torch.int64, device=order.device)
    return Rescored(order[places], scores.new_tensor([-score for score, _ in found]))


def _taken(
    corners: Tensor, left: Tensor, places: Tensor, decay: str, threshold: float, sigma: float, least: float
) -> Iterator[tuple[float, int]]:
    """What is left of the scores of boxes (4, n) of one class when they are taken, and their places, in that order."""
    floor = threshold if decay == "linear" else 0.0
    while len(left):
        for _ in range(len(left) // 8 + 1):  # then those that are gone are left out
            best = int(left.argmax())  # the first of equals
            score = float(left[best])
            if not score >= least:
                break
            yield score, int(places[best])
            box = corners[:, best, None].clone()
            corners[:, best], left[best] = 0.0, -torch.inf  # a point overlaps nothing
            overlap = _overlap(box, corners)
            left *= decayed(overlap, decay, sigma).where(overlap > floor, 1.0)
        rest = left >= least
        corners, left, places = corners[:, rest], left[rest], places[rest]


def prepared(
    boxes: Tensor, scores: Tensor, classes: Tensor | None, decay: str, sigma: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Scores in float64, a class for every box and the order, the surest first.

    Raises:
        UsageError: as :func:`soft_nms`.
    """
    if decay not in DECAYS:
        raise unknown("decay", decay, DECAYS)
    if not sigma > 0:
        raise UsageError(f"expected a sigma above 0, got {sigma}")
    if classes is None:
        classes = torch.zeros(len(scores), dtype=torch.int64, device=scores.device)
    _, order = sorted_by_score(boxes, scores, classes)
    if (scores < 0).any():
        raise UsageError(f"expected scores of at least 0, got {scores.min():g}: give probabilities")
    return scores.detach().double(), classes, order


def decayed(overlap: Tensor, decay: str, sigma: float) -> Tensor:
    """What is left of a score by the IoU with a surer box: 1 - IoU or exp(-IoU² / sigma)."""
    return 1 - overlap if decay == "linear" else torch.exp(-overlap.square() / sigma)
