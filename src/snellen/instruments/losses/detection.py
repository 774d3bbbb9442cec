"""The losses of object detectors: is there an object, where is it, and of which class."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from snellen._errors import UsageError
from snellen.instruments.detection.boxes import ciou_loss, convert
from snellen.nets.detector import BEFORE

NONE = -1
"""The class of what is no object."""
GAMMA = 2.0
"""How much less a cell counts that is told right already."""
ALPHA = 0.25
"""How much a cell with an object counts, of 1; those without are many more."""
NEAR = 1.5
"""Cells whose middle lies within so many cells of the middle of an object are to find it."""


@dataclass(frozen=True, eq=False)
class DetectionLoss:
    """A loss and its three terms, each of them a number with its gradient.

    Attributes:
        objectness: the binary cross-entropy of whether there is an object.
        box: 1 - CIoU of the predicted box and the true one.
        classes: the cross-entropy of the class.
    """

    objectness: Float[Tensor, ""]
    box: Float[Tensor, ""]
    classes: Float[Tensor, ""]

    @property
    def total(self) -> Float[Tensor, ""]:
        """What is minimised."""
        return self.objectness + self.box + self.classes


def single_loss(
    outputs: Float[Tensor, "n numbers"],
    boxes: Float[Tensor, "n 4"],
    classes: Int[Tensor, "n"],
    *,
    side: tuple[int, int] = (1, 1),
) -> DetectionLoss:
    """The loss of a detector of at most one object an image.

    mean over the images of BCE(objectness) + m · (1 - CIoU + cross-entropy of the class), m = 1 where there is an
    object and 0 where there is none: then only the objectness counts, and the gradients of box and class are 0.

    Args:
        outputs: (n, 5 + C): objectness logit, cx, cy, w, h as parts of the image, C class logits.
        boxes: (n, 4) true cx, cy, w, h, likewise; whatever stands where there is no object.
        classes: (n,) from 0 to C - 1; -1 where there is no object.
        side: height and width of the images; only their proportion matters.

    Raises:
        UsageError: shapes that do not fit, a class that there is no logit for.

    >>> sure = torch.tensor([[20.0, 0.5, 0.5, 0.2, 0.2, 20.0, 0.0]])
    >>> round(single_loss(sure, torch.tensor([[0.5, 0.5, 0.2, 0.2]]), torch.tensor([0])).total.item(), 6)
    0.0

    Reference: the vector is that of Ng, Deep learning specialization, course 4, week 3; CIoU: Zheng et al. 2020, AAAI.
    """
    _check(outputs, boxes, classes)
    there = classes != NONE
    objectness = F.binary_cross_entropy_with_logits(outputs[:, 0], there.to(outputs.dtype))
    box, told = _located(outputs[there], boxes[there], classes[there], side)
    count = max(len(outputs), 1)
    return DetectionLoss(objectness, box.sum() / count, told.sum() / count)


def grid_loss(
    outputs: Float[Tensor, "n rows columns numbers"],
    boxes: Float[Tensor, "n most 4"],
    classes: Int[Tensor, "n most"],
    *,
    side: tuple[int, int] = (1, 1),
) -> DetectionLoss:
    """The loss of a detector that says the same numbers in every cell of a grid.

    Focal loss of the objectness of all cells, 1 - CIoU and the cross-entropy of the class of those that are to find an
    object (:func:`assigned`); each is divided by the number of these cells.

    FL = -a (1 - p)^2 ln p where there is an object, -(1 - a) p^2 ln(1 - p) where there is none; a = 1/4.

    Args:
        outputs: (n, rows, columns, 5 + C), the numbers of :func:`single_loss` in every cell.
        boxes: (n, most, 4) true cx, cy, w, h as parts of the image, filled up to the most that an image holds.
        classes: (n, most); -1 where it was filled up.
        side: height and width of the images; only their proportion matters.

    Raises:
        UsageError: shapes that do not fit, a class that there is no logit for.

    Reference: Lin et al. 2017, arXiv 1708.02002 (focal loss); Tian et al. 2019, arXiv 1904.01355 (which cells).
    """
    if outputs.ndim != 4 or not len(outputs) == len(boxes) == len(classes):
        raise UsageError(
            f"expected (n, rows, columns, 5 + C) outputs and boxes and classes of as many images, got "
            f"{tuple(outputs.shape)}, {tuple(boxes.shape)} and {tuple(classes.shape)}"
        )
    owner = assigned(boxes, classes, grid=(outputs.shape[1], outputs.shape[2]))
    outputs = outputs.flatten(1, 2)
    _check(outputs.flatten(0, 1), boxes.flatten(0, 1), classes.flatten(), same=False)
    there = owner != NONE
    image, cell = there.nonzero(as_tuple=True)
    row = owner[image, cell]
    count = max(len(row), 1)
    objectness = _focal(outputs[..., 0], there).sum() / count
    box, told = _located(outputs[image, cell], boxes[image, row], classes[image, row], side)
    return DetectionLoss(objectness, box.sum() / count, told.sum() / count)


def assigned(
    boxes: Float[Tensor, "n most 4"], classes: Int[Tensor, "n most"], *, grid: tuple[int, int]
) -> Int[Tensor, "n cells"]:
    """The object that each cell is to find, by its place among those of the image; -1 for none.

    Its own cell and those around it whose middles lie within one and a half cells of its middle and within its box.
    Where two objects want a cell the one whose middle lies in it has it, and then the smaller one.

    Args:
        boxes: (n, most, 4) cx, cy, w, h as parts of the image.
        classes: (n, most); -1 where there is no object.
        grid: rows and columns of cells.

    >>> box = torch.tensor([[[0.5, 0.5, 0.6, 0.2]]])
    >>> assigned(box, torch.tensor([[0]]), grid=(3, 5)).view(3, 5)
    tensor([[-1, -1, -1, -1, -1],
            [-1,  0,  0,  0, -1],
            [-1, -1, -1, -1, -1]])
    """
    rows, columns = grid
    y, x = torch.meshgrid(torch.arange(rows) + 0.5, torch.arange(columns) + 0.5, indexing="ij")
    middles = torch.stack([x, y], dim=-1).view(-1, 1, 1, 2).to(boxes)  # in cells
    size = boxes.new_tensor([columns, rows])
    away = (middles - boxes[..., :2] * size).abs()  # (cells, n, most, 2)
    own = (away <= 0.5).all(dim=-1)
    inside = (away < NEAR).all(dim=-1) & (away < boxes[..., 2:] * size / 2).all(dim=-1)
    area = boxes[..., 2] * boxes[..., 3]
    cost = torch.where(own, area, torch.where(inside, 1 + area, torch.inf))  # areas are parts of an image, at most 1
    cost = cost.where(classes != NONE, torch.inf)
    if cost.shape[2] == 0:
        return torch.full((len(boxes), rows * columns), NONE, device=boxes.device)
    least, owner = cost.min(dim=2)
    return owner.where(least < torch.inf, NONE).T


def _located(outputs: Tensor, boxes: Tensor, classes: Tensor, side: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """1 - CIoU and the cross-entropy, a row each; none of either where there are no rows."""
    scale = outputs.new_tensor([side[1], side[0], side[1], side[0]])
    box = ciou_loss(
        convert(outputs[:, 1:BEFORE] * scale, "cxcywh", to="xyxy"),
        convert(boxes.to(outputs) * scale, "cxcywh", to="xyxy"),
    )
    return box, F.cross_entropy(outputs[:, BEFORE:], classes, reduction="none")


def _focal(logits: Tensor, there: Tensor) -> Tensor:
    truth = there.to(logits.dtype)
    each = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    amiss = (logits.sigmoid() - truth).abs()
    weight = ALPHA * truth + (1 - ALPHA) * (1 - truth)
    return weight * amiss**GAMMA * each


def _check(outputs: Tensor, boxes: Tensor, classes: Tensor, *, same: bool = True) -> None:
    fits = outputs.ndim == 2 and outputs.shape[1] > BEFORE and boxes.shape == (*classes.shape, 4)
    if not fits or (same and len(classes) != len(outputs)):
        raise UsageError(
            f"expected (n, 5 + C) outputs, (n, 4) boxes and (n,) classes, got {tuple(outputs.shape)}, "
            f"{tuple(boxes.shape)} and {tuple(classes.shape)}"
        )
    count = outputs.shape[1] - BEFORE
    if classes.numel() and not (int(classes.min()) >= NONE and int(classes.max()) < count):
        raise UsageError(
            f"classes go from 0 to {count - 1}, or are {NONE} for no object, got {classes.min()} to {classes.max()}"
        )
