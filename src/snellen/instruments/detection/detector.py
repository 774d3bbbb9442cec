"""A detector as the examination sees it: pixels of any size in, boxes in these pixels out."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from snellen._errors import ImagesError, NetworkError, UsageError
from snellen.instruments.detection.answers import said_boxes
from snellen.instruments.detection.boxes import clip, convert
from snellen.instruments.detection.detections import Detections
from snellen.instruments.detection.suppression import Method, suppressed
from snellen.nets.detector import BEFORE
from snellen.subject.fitting import GREY
from snellen.subject.quiet import quiet

LEAST = 0.01
"""Candidates of a lower score are not worth a word: one in a hundred of them would be right."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """One image as the module is given it, and the way back.

    Attributes:
        pixels: (c, h, w).
        factor: by which x and y of a box in it are multiplied to be in pixels of the image.
        size: height and width of the image.
    """

    pixels: Float[Tensor, "c h w"]
    factor: tuple[float, float]
    size: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Detector:
    """A module that finds objects, and what it needs to be used: normalisation, size, names.

    One of ours is given an image scaled to fit its ``side``, the rest grey, and answers with rows of 5 + C numbers,
    (n, 5 + C) or (n, ..., 5 + C): objectness logit, cx, cy, w, h as parts of the side, C class logits.
    A row is a candidate: one box, the most probable class, and the score sigmoid(objectness) · P(class).

    Without a ``side`` the module is given images as they are, and answers with boxes: a list of dicts ``boxes``,
    ``scores`` and ``labels``, one an image, as torchvision's detectors do, or a tuple (boxes, scores, labels).

    Nothing of the module changes when it is asked.

    Args:
        module: see above.
        class_names: of C classes; made up for what has no names.
        mean: per channel, in units of [0, 1].
        std: likewise.
        side: height and width of what one of ours is given, in pixels.
        channels: ``RGB``, or ``L`` for one channel of grey.
        name: what the report calls it.
        notes: what loading had to do, one sentence each.

    Raises:
        UsageError: the module is none, a std of 0, lengths that do not fit the channels.

    >>> from snellen.nets.detector import GridDetector
    >>> module = GridDetector("strided", {"widths": [4, 8]}, classes=2)
    >>> detector = Detector(module, class_names=("ant", "bee"), side=(32, 32))
    >>> [len(found) for found in detector.candidates(torch.rand(2, 3, 48, 48), least=0.0)]
    [64, 64]
    """

    module: nn.Module
    _: KW_ONLY
    class_names: Sequence[str] = ()
    mean: Sequence[float] = (0.0,)
    std: Sequence[float] = (1.0,)
    side: tuple[int, int] | None = None
    channels: Literal["RGB", "L"] = "RGB"
    name: str = ""
    notes: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.module, nn.Module):
            raise UsageError(f"a Detector wraps a torch.nn.Module, got {type(self.module).__name__}")
        if self.channels not in ("RGB", "L"):
            raise UsageError(f"channels must be RGB or L, got {self.channels!r}")
        count = 1 if self.channels == "L" else 3
        for label in ("mean", "std"):
            values = tuple(float(v) for v in getattr(self, label))
            if len(values) not in (1, count):
                raise UsageError(f"{label} must have 1 or {count} values for {self.channels}, got {values}")
            object.__setattr__(self, label, values)
        if min(self.std) <= 0:
            raise UsageError(f"std must be positive in every channel, got {tuple(self.std)}")
        object.__setattr__(self, "class_names", tuple(map(str, self.class_names)))
        object.__setattr__(self, "notes", tuple(self.notes))
        object.__setattr__(self, "name", self.name or type(self.module).__name__)

    @property
    def device(self) -> torch.device:
        """Where the module's tensors live (the CPU when it has none)."""
        return next((t.device for t in (*self.module.parameters(), *self.module.buffers())), torch.device("cpu"))

    def class_name(self, index: int) -> str:
        """The class's name, or ``class 17`` where the detector came without names."""
        return self.class_names[index] if 0 <= index < len(self.class_names) else f"class {index}"

    def candidates(self, pixels: Sequence[Tensor], *, least: float = LEAST) -> tuple[Detections, ...]:
        """All that it says of each image, before any suppression; boxes are clipped to the image.

        Args:
            pixels: (n, c, h, w) in [0, 1], or images (c, h, w) of several sizes; c is 1 or 3.
            least: candidates of a lower score are left out; 0 leaves none out but those beside the image.

        Raises:
            UsageError: no pixels in [0, 1].
            NetworkError: the module raised, or its answer is none of the above.
        """
        return self.answers([self.prepared(image) for image in pixels], least=least)

    def detections(
        self,
        pixels: Sequence[Tensor],
        *,
        nms: float | None = 0.5,
        method: Method = "greedy",
        least: float = LEAST,
    ) -> tuple[Detections, ...]:
        """What is left of the candidates after class-wise non-maximum suppression.

        Args:
            pixels: as for :meth:`candidates`.
            nms: the IoU above which the less sure of two candidates of a class goes; None suppresses nothing.
            method: ``greedy``, ``soft`` or ``matrix``.
            least: as for :meth:`candidates`.

        Raises:
            UsageError, NetworkError: as for :meth:`candidates`; a threshold outside [0, 1], an unknown method.
        """
        found = self.candidates(pixels, least=least)
        return tuple(suppressed(said, nms, method=method, least=least) for said in found)

    def prepared(self, image: Float[Tensor, "c h w"]) -> Prepared:
        """One image in [0, 1], in the module's channels, scaled to fit its side and filled up at the right and below.

        Raises:
            UsageError: no float tensor (1 or 3, h, w) in [0, 1].
        """
        if not (isinstance(image, Tensor) and image.ndim == 3 and image.is_floating_point() and image.numel()):
            got = f"{image.dtype} {tuple(image.shape)}" if isinstance(image, Tensor) else type(image).__name__
            raise UsageError(f"an image must be a float tensor (c, h, w) in [0, 1], got {got}")
        if image.shape[0] not in (1, 3):
            raise UsageError(f"an image must have 1 or 3 channels, got {tuple(image.shape)}")
        low, high = float(image.detach().amin()), float(image.detach().amax())
        if not (low >= -0.01 and high <= 1.01):
            raise UsageError(f"pixels must lie in [0, 1], before any normalisation; got values {low:.4g} to {high:.4g}")
        size = image.shape[1], image.shape[2]
        image = self._coloured(image)
        if self.side is None:
            return Prepared(image, (1.0, 1.0), size)
        fitted = fit(image, self.side)
        scale = within(size, self.side)
        return Prepared(fitted, (size[1] / scale[1], size[0] / scale[0]), size)

    def answers(self, images: Sequence[Prepared], *, least: float = LEAST) -> tuple[Detections, ...]:
        """The candidates of images that are prepared."""
        if not images:
            return ()
        together = len({image.pixels.shape for image in images}) == 1
        if not together:
            return tuple(found for image in images for found in self.answers([image], least=least))
        with torch.inference_mode(), quiet(self.module):
            if self.side is None:
                pixels = torch.stack([image.pixels for image in images]).to(self.device)
                found = said_boxes(self._forward(self._normalised(pixels)), len(images), self.name)
            else:
                found = list(zip(*(part.cpu() for part in self.numbers(images)), strict=True))
        return tuple(_kept(*said, image, least) for said, image in zip(found, images, strict=True))

    def numbers(
        self, images: Sequence[Prepared]
    ) -> tuple[Float[Tensor, "n m 4"], Float[Tensor, "n m"], Int[Tensor, "n m"]]:
        """Boxes in pixels of the images, scores and classes of all candidates of one of ours; differentiable.

        Call it inside :func:`snellen.subject.quiet.quiet`.

        Raises:
            UsageError: a detector that answers with boxes of its own.
            NetworkError: rows of another shape, NaN.
        """
        if self.side is None:
            raise UsageError(f"{self.name} answers with boxes of its own, and not with rows of numbers")
        pixels = torch.stack([image.pixels for image in images]).to(self.device)
        rows = self._forward(self._normalised(pixels))
        if not isinstance(rows, Tensor) or rows.ndim < 2 or len(rows) != len(images) or rows.shape[-1] <= BEFORE:
            got = tuple(rows.shape) if isinstance(rows, Tensor) else type(rows).__name__
            raise NetworkError(f"{self.name} must return (n, 5 + C) or (n, ..., 5 + C) numbers, got {got}")
        if not torch.isfinite(rows).all():
            raise NetworkError(f"{self.name} returned NaN or infinite numbers; are its weights finite?")
        rows = rows.reshape(len(rows), -1, rows.shape[-1])
        sure, classes = rows[..., BEFORE:].float().softmax(dim=-1).max(dim=-1)
        height, width = self.side
        scale = torch.tensor([(width * image.factor[0], height * image.factor[1]) * 2 for image in images])
        boxes = convert(rows[..., 1:BEFORE].float(), "cxcywh", to="xyxy") * scale[:, None].to(rows.device)
        return boxes, rows[..., 0].float().sigmoid() * sure, classes

    def _coloured(self, image: Tensor) -> Tensor:
        if self.channels == "L" and image.shape[0] == 3:
            return (image * torch.from_numpy(GREY).to(image).view(3, 1, 1)).sum(dim=0, keepdim=True)
        return image.expand(3, -1, -1) if self.channels == "RGB" and image.shape[0] == 1 else image

    def _normalised(self, pixels: Tensor) -> Tensor:
        mean, std = (torch.tensor(v, device=pixels.device).to(pixels).view(-1, 1, 1) for v in (self.mean, self.std))
        return ((pixels - mean) / std).contiguous(memory_format=torch.channels_last)

    def _forward(self, inputs: Tensor) -> object:
        try:
            output: object = self.module(inputs)
        except (NetworkError, torch.OutOfMemoryError):
            raise
        except Exception as error:
            raise NetworkError(
                f"{self.name} raised on a batch of shape {tuple(inputs.shape)}: {type(error).__name__}: {error}. It "
                "must be a module that is given normalised images (n, c, h, w) alone."
            ) from error
        return output


def within(size: tuple[int, int], side: tuple[int, int]) -> tuple[int, int]:
    """Height and width of an image once it is scaled to fit a side, its proportions kept; at least one pixel.

    >>> within((100, 50), (32, 32))
    (32, 16)
    """
    scale = min(side[0] / size[0], side[1] / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def fit(image: Float[Tensor, "c h w"], side: tuple[int, int]) -> Float[Tensor, "c h2 w2"]:
    """An image in [0, 1] scaled to fit a side, its proportions kept, with grey at the right or below; differentiable.

    >>> fit(torch.rand(3, 20, 10), (8, 8))[:, 0, 4:].unique()
    tensor([0.5000])
    """
    height, width = within((image.shape[1], image.shape[2]), side)
    if (height, width) != image.shape[1:]:
        scaled = F.interpolate(image[None], (height, width), mode="bilinear", antialias=True, align_corners=False)
        image = scaled[0].clamp(0, 1)
    if (height, width) == tuple(side):
        return image
    return F.pad(image, (0, side[1] - width, 0, side[0] - height), value=0.5)


def _kept(boxes: Tensor, scores: Tensor, classes: Tensor, image: Prepared, least: float) -> Detections:
    """Those of enough score that have an area within the image."""
    height, width = image.size
    boxes, scores, classes = (torch.as_tensor(part).detach().cpu().clone() for part in (boxes, scores, classes))
    boxes = clip(boxes.float(), height=height, width=width)
    there = (scores >= least) & (boxes[:, 2:] > boxes[:, :2]).all(dim=1)
    if not (boxes.isfinite().all() and scores.isfinite().all()):
        raise ImagesError("boxes or scores of a detector are NaN or infinite")
    return Detections(boxes[there], scores[there], classes[there])
