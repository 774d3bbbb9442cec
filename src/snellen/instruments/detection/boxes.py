"""Boxes: formats, areas, how much two of them are one, and losses made of it."""

from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from snellen._errors import UsageError, unknown

Format = Literal["xyxy", "xywh", "cxcywh"]
FORMATS: tuple[Format, ...] = get_args(Format)
"""Left, top, right, bottom; left, top, width, height; centre, centre, width, height."""


def convert(boxes: Float[Tensor, "*shape 4"], written: Format, *, to: Format) -> Float[Tensor, "*shape 4"]:
    """The same boxes in another format, differentiable; the numbers are not judged.

    Args:
        boxes: (..., 4) in any unit.
        written: the format they are in: ``xyxy`` is left, top, right, bottom; ``xywh`` left, top, width, height;
            ``cxcywh`` the centre, width and height.
        to: the format wanted.

    Raises:
        UsageError: an unknown format, a tensor that is not (..., 4).

    >>> convert(torch.tensor([[10.0, 20.0, 30.0, 60.0]]), "xyxy", to="cxcywh").tolist()
    [[20.0, 40.0, 20.0, 40.0]]
    """
    for name in (written, to):
        if name not in FORMATS:
            raise unknown("box format", name, FORMATS)
    _shaped(boxes, "boxes")
    first, second = boxes[..., :2], boxes[..., 2:]
    if written == to:
        return boxes
    if written == "xyxy":
        corner, size = first, second - first
    else:
        corner, size = (first - second / 2 if written == "cxcywh" else first), second
    if to == "xyxy":
        return torch.cat([corner, corner + size], dim=-1)
    return torch.cat([corner + size / 2 if to == "cxcywh" else corner, size], dim=-1)


def area(boxes: Float[Tensor, "*shape 4"]) -> Float[Tensor, "*shape"]:
    """(right - left)(bottom - top) of boxes in ``xyxy``, no pixel added.

    >>> area(torch.tensor([[0.0, 0.0, 2.0, 3.0]])).tolist()
    [6.0]
    """
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def clip(boxes: Float[Tensor, "*shape 4"], *, height: float, width: float) -> Float[Tensor, "*shape 4"]:
    """What of each box in ``xyxy`` lies in an image; a box beside it becomes one of area 0 on its edge.

    >>> clip(torch.tensor([[-5.0, 2.0, 12.0, 30.0]]), height=20, width=10).tolist()
    [[0.0, 2.0, 10.0, 20.0]]
    """
    return torch.stack([boxes[..., i].clamp(0, edge) for i, edge in enumerate((width, height, width, height))], dim=-1)


def checked(boxes: Tensor, name: str) -> Float[Tensor, "m 4"]:
    """The boxes as (m, 4) of float32 or float64, if they are boxes; an area of 0 is one.

    Raises:
        UsageError: another shape, NaN or infinite numbers, right < left or bottom < top.
    """
    boxes = boxes.reshape(0, 4) if not boxes.numel() else boxes
    _shaped(boxes, name)
    if boxes.ndim != 2:
        raise UsageError(f"expected {name} as a tensor (m, 4), got {tuple(boxes.shape)}")
    boxes = boxes if boxes.dtype == torch.float64 else boxes.float()
    low, high = boxes.aminmax() if boxes.numel() else (boxes.sum(), boxes.sum())  # NaN, if there is one
    if not (low > -torch.inf and high < torch.inf and (boxes[:, 2:] >= boxes[:, :2]).all()):
        right = (boxes[:, 2:] >= boxes[:, :2]).all(dim=1) & boxes.isfinite().all(dim=1)
        i = int((~right).nonzero()[0])
        raise UsageError(
            f"expected {name} as finite (left, top, right, bottom) with left <= right and top <= bottom, got "
            f"{boxes[i].tolist()} at index {i}; if they are widths and heights, convert(boxes, 'xywh', to='xyxy')"
        )
    return boxes


def iou(a: Float[Tensor, "n 4"], b: Float[Tensor, "m 4"]) -> Float[Tensor, "n m"]:
    """The intersection over the union of every pair, from 0 to 1; 0 for two boxes without area.

    IoU = |A ∩ B| / |A ∪ B|.

    Args:
        a: (n, 4) in ``xyxy``; may be empty.
        b: (m, 4), likewise.

    Raises:
        UsageError: NaN, infinite or reversed boxes, another shape.

    Reference: Jaccard 1901; Everingham et al. 2010, The PASCAL Visual Object Classes challenge, IJCV 88:303-338.

    >>> iou(torch.tensor([[0.0, 0.0, 4.0, 4.0]]), torch.tensor([[0.0, 0.0, 2.0, 4.0], [4.0, 0.0, 8.0, 4.0]])).tolist()
    [[0.5, 0.0]]
    """
    return _iou(*_pairs(a, b))


def giou(a: Float[Tensor, "n 4"], b: Float[Tensor, "m 4"]) -> Float[Tensor, "n m"]:
    """IoU less the share of the enclosing box C that neither covers, from -1 to 1: it falls with the distance.

    GIoU = IoU - (|C| - |A ∪ B|) / |C|. Arguments and errors as :func:`iou`.

    Reference: Rezatofighi et al. 2019, Generalized intersection over union, CVPR.

    >>> giou(torch.tensor([[0.0, 0.0, 1.0, 1.0]]), torch.tensor([[3.0, 0.0, 4.0, 1.0]])).tolist()
    [[-0.5]]
    """
    return _giou(*_pairs(a, b))


def diou(a: Float[Tensor, "n 4"], b: Float[Tensor, "m 4"]) -> Float[Tensor, "n m"]:
    """IoU less the squared distance d of the centres over the squared diagonal c of the enclosing box, from -1 to 1.

    DIoU = IoU - d²/c². Arguments and errors as :func:`iou`.

    Reference: Zheng et al. 2020, Distance-IoU loss, AAAI.

    >>> round(diou(torch.tensor([[0.0, 0.0, 1.0, 1.0]]), torch.tensor([[3.0, 0.0, 4.0, 1.0]])).item(), 4)
    -0.5294
    """
    return _diou(*_pairs(a, b))


def ciou(a: Float[Tensor, "n 4"], b: Float[Tensor, "m 4"]) -> Float[Tensor, "n m"]:
    """DIoU less a penalty on the difference of the proportions, from -1.5 to 1.

    CIoU = DIoU - αv with v = (2/π)² · (arctan(w/h) - arctan(w'/h'))² and α = v / (1 - IoU + v), which no gradient
    passes. Arguments and errors as :func:`iou`.

    Reference: Zheng et al. 2020, Distance-IoU loss, AAAI.

    >>> round(ciou(torch.tensor([[0.0, 0.0, 4.0, 4.0]]), torch.tensor([[0.0, 0.0, 4.0, 1.0]])).item(), 4)
    0.1636
    """
    return _ciou(*_pairs(a, b))


def giou_loss(predicted: Float[Tensor, "*shape 4"], wanted: Float[Tensor, "*shape 4"]) -> Float[Tensor, "*shape"]:
    """1 - GIoU of each predicted box and the wanted one beside it, from 0 to 2.

    The losses look at no values, so that a training can stop by itself at a NaN; boxes that are equal or have no area
    have finite gradients.

    Args:
        predicted: (..., 4) in ``xyxy``.
        wanted: likewise, of the same shape.

    Raises:
        UsageError: shapes that are not one (..., 4).

    Reference: Rezatofighi et al. 2019, Generalized intersection over union, CVPR.

    >>> giou_loss(torch.tensor([[-1.0, -1.0, 1.0, 1.0]]), torch.tensor([[0.0, 0.0, 1.0, 1.0]])).tolist()
    [0.75]
    """
    return 1 - _giou(*_beside(predicted, wanted))


def diou_loss(predicted: Float[Tensor, "*shape 4"], wanted: Float[Tensor, "*shape 4"]) -> Float[Tensor, "*shape"]:
    """1 - DIoU of each predicted box and the wanted one beside it, from 0 to 2; otherwise as :func:`giou_loss`.

    Reference: Zheng et al. 2020, Distance-IoU loss, AAAI.

    >>> diou_loss(torch.tensor([[-1.0, -1.0, 1.0, 1.0]]), torch.tensor([[0.0, 0.0, 1.0, 1.0]])).tolist()
    [0.8125]
    """
    return 1 - _diou(*_beside(predicted, wanted))


def ciou_loss(predicted: Float[Tensor, "*shape 4"], wanted: Float[Tensor, "*shape 4"]) -> Float[Tensor, "*shape"]:
    """1 - CIoU of each predicted box and the wanted one beside it, from 0 to 2.5; otherwise as :func:`giou_loss`.

    Reference: Zheng et al. 2020, Distance-IoU loss, AAAI.

    >>> ciou_loss(torch.tensor([[-1.0, -1.0, 1.0, 1.0]]), torch.tensor([[0.0, 0.0, 1.0, 1.0]])).tolist()
    [0.8125]
    """
    return 1 - _ciou(*_beside(predicted, wanted))


def _pairs(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    return checked(a, "the first boxes")[:, None], checked(b, "the second boxes")[None]


def _beside(predicted: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    _shaped(predicted, "predicted boxes")
    if predicted.shape != wanted.shape:
        raise UsageError(
            f"expected one wanted box for each predicted one, got shapes {tuple(predicted.shape)} and "
            f"{tuple(wanted.shape)}; for every pair there are iou, giou, diou and ciou"
        )
    return (v if v.dtype == torch.float64 else v.float() for v in (predicted, wanted))  # type: ignore[return-value]


def _shaped(boxes: Tensor, name: str) -> None:
    if not boxes.ndim or boxes.shape[-1] != 4:
        raise UsageError(f"expected {name} as a tensor (..., 4), got {tuple(boxes.shape)}")


def _sizes(low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    width, height = (high - low).clamp(min=0).unbind(-1)
    return width, height


def _share(part: Tensor, whole: Tensor) -> Tensor:
    """part / whole, and 0 with a gradient of 0 where the whole is nothing."""
    there = whole > 0
    return part.where(there, 0.0) / whole.where(there, 1.0)


def _parts(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """The areas of the intersection and of the union."""
    width, height = _sizes(torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:]))
    common = width * height
    return common, area(a) + area(b) - common


def _enclosing(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    return _sizes(torch.minimum(a[..., :2], b[..., :2]), torch.maximum(a[..., 2:], b[..., 2:]))


def _iou(a: Tensor, b: Tensor) -> Tensor:
    return _share(*_parts(a, b))


def _giou(a: Tensor, b: Tensor) -> Tensor:
    common, union = _parts(a, b)
    width, height = _enclosing(a, b)
    return _share(common, union) - _share(width * height - union, width * height)


def _diou(a: Tensor, b: Tensor) -> Tensor:
    width, height = _enclosing(a, b)
    across = (a[..., :2] + a[..., 2:] - b[..., :2] - b[..., 2:]) / 2
    return _iou(a, b) - _share(across.square().sum(-1), width.square() + height.square())


def _ciou(a: Tensor, b: Tensor) -> Tensor:
    v = 4 / torch.pi**2 * (_slope(a) - _slope(b)).square()
    with torch.no_grad():
        alpha = _share(v, 1 - _iou(a, b) + v)
    return _diou(a, b) - alpha * v


def _slope(boxes: Tensor) -> Tensor:
    """The angle of the diagonal, arctan(w/h); 0 for a point."""
    width, height = boxes[..., 2] - boxes[..., 0], boxes[..., 3] - boxes[..., 1]
    return torch.atan2(width, height.where((width != 0) | (height != 0), 1.0))
