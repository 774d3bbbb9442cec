"""Which of the candidates of one image are kept as its detections."""

from typing import Literal, get_args

from snellen._errors import unknown
from snellen.instruments.detection.detections import Detections
from snellen.instruments.detection.matrix_nms import matrix_nms
from snellen.instruments.detection.nms import class_wise_nms
from snellen.instruments.detection.soft_nms import soft_nms

Method = Literal["greedy", "soft", "matrix"]


def suppressed(
    candidates: Detections, threshold: float | None = 0.5, *, method: Method = "greedy", least: float = 0.0
) -> Detections:
    """What class-wise non-maximum suppression leaves.

    Args:
        candidates: of one image.
        threshold: the IoU above which the less sure of two of a class goes (``greedy``) or loses score (``soft``);
            ``matrix`` has none. None leaves all.
        method: ``greedy``, ``soft`` in its linear form, or ``matrix`` in its Gaussian form.
        least: what is left with a lower score than this goes.

    Raises:
        UsageError: an unknown method, a threshold outside [0, 1].

    >>> import torch
    >>> two = Detections(torch.tensor([[0.0, 0, 9, 9], [0, 0, 9, 8]]), torch.tensor([0.9, 0.5]), torch.tensor([1, 1]))
    >>> len(suppressed(two)), len(suppressed(two, None)), len(suppressed(two, method="soft"))
    (1, 2, 2)
    """
    if method not in get_args(Method):
        raise unknown("method of suppression", method, get_args(Method))
    if threshold is None:
        return candidates
    boxes, scores, classes = candidates.boxes, candidates.scores, candidates.classes
    if method == "greedy":
        kept = class_wise_nms(boxes, scores, classes, threshold)
        return Detections(boxes[kept], scores[kept], classes[kept])
    if method == "soft":
        left = soft_nms(boxes, scores, classes, decay="linear", threshold=threshold, least=least)
    else:
        left = matrix_nms(boxes, scores, classes)
    return Detections(boxes[left.indices], left.scores, classes[left.indices]).at_least(least)
