"""What other detectors answer with, read: torchvision's lists of dicts, or tuples of boxes, scores and labels."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from snellen._errors import NetworkError

Said = tuple[Tensor, Tensor, Tensor]
_FORM = (
    "a list of dicts with 'boxes' (m, 4: left, top, right, bottom in pixels of the image), 'scores' (m,) and 'labels' "
    "(m,), one an image, or a tuple (boxes, scores, labels) of tensors or of lists of them"
)


def said_boxes(answer: object, count: int, name: str) -> list[Said]:
    """Boxes, scores and classes of each image.

    Args:
        answer: of the module to a batch.
        count: images in it.
        name: of the detector, for messages.

    Raises:
        NetworkError: another form, not one entry an image, boxes that are none, scores outside [0, 1].

    >>> import torch
    >>> answer = [{"boxes": torch.tensor([[0.0, 0, 4, 4]]), "scores": torch.tensor([0.5]), "labels": torch.tensor([1])}]
    >>> [part.tolist() for part in said_boxes(answer, 1, "mine")[0]]
    [[[0.0, 0.0, 4.0, 4.0]], [0.5], [1]]
    """
    if isinstance(answer, list) and all(isinstance(one, Mapping) for one in answer):
        missing = sorted({key for one in answer for key in ("boxes", "scores", "labels") if key not in one})
        if missing:
            raise NetworkError(f"{name} must return {_FORM}; its dicts have no {', '.join(missing)}")
        rows = [(one["boxes"], one["scores"], one["labels"]) for one in answer]
    elif isinstance(answer, tuple | list) and len(answer) == 3:
        alone = isinstance(answer[0], Tensor) and answer[0].ndim == 2  # one image, without an axis of images
        parts = [[part] for part in answer] if alone else answer
        if any(not isinstance(part, Tensor | Sequence) or len(part) != count for part in parts):
            raise NetworkError(f"{name} must return {_FORM}; its three parts are not of {count} images each")
        rows = list(zip(*parts, strict=True))
    else:
        raise NetworkError(f"{name} must return {_FORM}; got {type(answer).__name__}")
    if len(rows) != count:
        raise NetworkError(f"{name} must return one entry for each of {count} images, got {len(rows)}")
    return [_checked(*row, name) for row in rows]


def _checked(boxes: object, scores: object, labels: object, name: str) -> Said:
    if not all(isinstance(part, Tensor) for part in (boxes, scores, labels)):
        raise NetworkError(f"{name} must return {_FORM}; got {type(boxes).__name__}, {type(scores).__name__} ...")
    assert isinstance(boxes, Tensor)
    assert isinstance(scores, Tensor)
    assert isinstance(labels, Tensor)
    shapes = tuple(boxes.shape), tuple(scores.shape), tuple(labels.shape)
    boxes = boxes.reshape(-1, 4) if boxes.numel() == 0 else boxes
    if boxes.ndim != 2 or boxes.shape[1] != 4 or not len(boxes) == len(scores) == labels.numel() == scores.numel():
        raise NetworkError(f"{name} must return {_FORM}; got shapes {', '.join(map(str, shapes))}")
    if labels.is_floating_point() or bool((labels < 0).any()):
        raise NetworkError(f"{name} must return labels that are whole numbers from 0, got {labels.dtype}")
    if not (boxes.isfinite().all() and scores.isfinite().all()):
        raise NetworkError(f"{name} returned NaN or infinite boxes or scores")
    if bool((scores < 0).any() or (scores > 1).any()):
        raise NetworkError(
            f"{name} must return scores from 0 to 1, got {scores.min():.4g} to {scores.max():.4g}; put a sigmoid or "
            "softmax at its end"
        )
    wrong = ~(boxes[:, 2:] >= boxes[:, :2]).all(dim=1)
    if wrong.any():
        raise NetworkError(
            f"{name} must return boxes as left, top, right, bottom with left <= right and top <= bottom, got "
            f"{boxes[wrong][0].tolist()}; are they widths and heights?"
        )
    return boxes.float(), scores.float().reshape(-1), labels.long().reshape(-1)
