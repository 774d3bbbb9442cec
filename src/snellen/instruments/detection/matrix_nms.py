"""Matrix non-maximum suppression: every score decays at once, no box waits for another."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from snellen.instruments.detection.boxes import iou
from snellen.instruments.detection.soft_nms import Decay, Rescored, decayed, prepared

AT_A_TIME = 1 << 22
"""Pairs that are measured at a time."""


def matrix_nms(
    boxes: Float[Tensor, "n 4"],
    scores: Float[Tensor, "n"],
    classes: Int[Tensor, "n"] | None = None,
    *,
    decay: Decay = "gaussian",
    sigma: float = 0.5,
) -> Rescored:
    """All boxes, each with its score times the least decay that a surer box of its class has for it.

    decay_j = min over surer i of f(IoU_ij) / f(m_i), where m_i = max over surer k of IoU_ki: what itself is likely
    to go takes little from others. Linear: f = 1 - IoU. Gaussian: f = exp(-IoU² / sigma). A box that a surer one covers
    wholly has f(m_i) = 0 in the linear form and takes nothing.

    Args:
        boxes: (n, 4), left, top, right, bottom.
        scores: (n,), at least 0.
        classes: (n,) integers; without them all are of one.
        decay: ``linear`` or ``gaussian``.
        sigma: the width of ``gaussian``.

    Raises:
        UsageError: as :func:`~snellen.instruments.detection.soft_nms.soft_nms`.

    Reference: Wang et al. 2020, SOLOv2: dynamic and fast instance segmentation, NeurIPS.

    >>> boxes = torch.tensor([[0.0, 0, 4, 4], [0, 0, 4, 2], [8, 8, 9, 9]])
    >>> matrix_nms(boxes, torch.tensor([1.0, 0.5, 0.75]), decay="linear")
    Rescored(indices=tensor([0, 2, 1]), scores=tensor([1.0000, 0.7500, 0.2500]))
    """
    left, classes, order = prepared(boxes, scores, classes, decay, sigma)
    with torch.no_grad():
        boxes, left, classes = boxes[order].double(), left[order], classes[order]
        places = torch.arange(len(order), device=order.device)
        columns = places.split(max(1, AT_A_TIME // max(1, len(order))))
        most, least = torch.zeros_like(left), torch.ones_like(left)
        for j in columns:
            if len(j):
                most[j] = _surer(boxes, classes, j).amax(0)
        own = decayed(most, decay, sigma)[:, None]
        for j in columns:
            if len(j):
                overlap = _surer(boxes, classes, j)
                share = torch.where(own > 0, decayed(overlap, decay, sigma) / own, torch.inf)
                least[j] = share.where(places[:, None] < j, 1.0).where(classes[:, None] == classes[j], 1.0).amin(0)
        left = left * least.clamp(max=1)
        ranked = torch.sort(left, descending=True, stable=True).indices
    return Rescored(order[ranked], left[ranked].to(scores.dtype))


def _surer(boxes: Tensor, classes: Tensor, j: Tensor) -> Tensor:
    """(n, len(j)) the IoU of each surer box of the same class with those at ``j``, 0 for the rest."""
    surer = torch.arange(len(boxes), device=j.device)[:, None] < j
    return iou(boxes, boxes[j]).where(surer & (classes[:, None] == classes[j]), 0.0)
