"""A detector, what it is to learn, and how; prepared before its first step.

Everything that a step draws is a function of the seed and the number of the step.
"""

from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from snellen._errors import UsageError
from snellen.instruments.losses.detection import NONE, DetectionLoss, grid_loss, single_loss
from snellen.nets.detector import GridDetector, SingleDetector
from snellen.training.backbone import Backbone
from snellen.training.detection_data import DetectionData, Framed
from snellen.training.detection_settings import DetectionSettings
from snellen.training.detection_views import augmented, grey
from snellen.training.fit import LossOf, generator_of, rows_of, seed_of
from snellen.training.schedule import Schedule

STD = 0.25
"""What pixels are divided by, after their mean is taken off: about the spread of natural images."""
FINEST, COARSEST = 4, 32
"""Pixels of a cell, at least and at most."""


@dataclass(frozen=True, eq=False)
class DetectionLesson:
    """A detector, what it is to learn, and how.

    Attributes:
        data: what it learns from.
        settings: how.
        module: with its first weights, in training mode.
        backbone: what its trunk began as.
        kind: of detector, as its file will say.
        built: what the kind is built with.
        mean: per channel, in units of [0, 1].
        std: likewise.
    """

    data: DetectionData
    settings: DetectionSettings
    module: SingleDetector | GridDetector
    backbone: Backbone
    _: KW_ONLY
    kind: str
    built: dict[str, Any]
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def command(self) -> dict[str, Any]:
        """All that the weights depend on, as JSON can hold it."""
        start = {"backbone": self.backbone.kind, "built": self.built, "start": self.backbone.fingerprint}
        return {"task": "detect", **self.settings.command, "data": self.data.fingerprint, **start}

    @property
    def channels(self) -> Literal["RGB", "L"]:
        """What the module is given."""
        return "L" if self.module.trunk.channels == 1 else "RGB"

    @property
    def batch(self) -> int:
        """Scenes a step."""
        return min(self.settings.batch, len(self.data.train))

    @property
    def epoch(self) -> int:
        """Steps an epoch; the scenes of a last, smaller batch are left out of it."""
        return len(self.data.train) // self.batch

    @property
    def schedule(self) -> Schedule:
        """Steps and rates."""
        return self.settings.schedule(self.settings.epochs * self.epoch)

    @property
    def losses(self) -> LossOf:
        """The loss of each step."""

        def loss_of(step: int) -> Tensor:
            settings = self.settings
            rows = rows_of(step, batch=self.batch, count=len(self.data.train), seed=settings.seed)
            pixels, boxes, classes = augmented(
                self.data.train,
                rows,
                generator_of(settings.seed, step),
                shift=settings.shift,
                zoom=settings.zoom,
                jitter=settings.jitter,
                flip=settings.flip,
            )
            return self.loss(self.module(self.normalised(pixels)), boxes, classes).total

        return loss_of

    def normalised(self, pixels: Tensor) -> Tensor:
        """Pixels (n, 3, h, w) in [0, 1] as the module is given them."""
        pixels = grey(pixels) if self.channels == "L" else pixels
        mean, std = (torch.tensor(values).view(-1, 1, 1) for values in (self.mean, self.std))
        return ((pixels - mean) / std).contiguous(memory_format=torch.channels_last)

    def loss(self, outputs: Tensor, boxes: Tensor, classes: Tensor) -> DetectionLoss:
        """The loss of what the module says of some scenes."""
        side = self.data.train.side
        if self.settings.mode == "single":
            return single_loss(outputs.float(), boxes[:, 0], classes[:, 0], side=side)
        return grid_loss(outputs.float(), boxes, classes, side=side)


def prepare(data: DetectionData, settings: DetectionSettings, backbone: Backbone) -> DetectionLesson:
    """Build the detector; a function of its arguments.

    Raises:
        UsageError: mode single and scenes with several objects; one scene a batch, which BatchNorm cannot learn from.
        NetworkError: weights that do not fit.
    """
    if settings.mode == "single":
        check_single(data)
    if min(settings.batch, len(data.train)) < 2:
        raise UsageError(
            "BatchNorm takes mean and deviation over a batch and cannot learn from one; give --batch-size 32"
        )
    usual = usual_size(data.train)
    cell = cell_of(usual)
    built: dict[str, Any] = {"trunk": backbone.kind, "built": backbone.built(cell), "cell": cell}
    built["classes"] = len(data.class_names)
    if settings.mode == "many":
        built["usual"] = list(usual)
    kind: type[SingleDetector | GridDetector] = SingleDetector if settings.mode == "single" else GridDetector
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(settings.seed, 0))
        module = kind(**built)
    backbone.give(module.trunk)
    mean, std = _normalisation(data.train, backbone, module.trunk.channels)
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack it
    name = "single_detector" if settings.mode == "single" else "grid_detector"
    return DetectionLesson(data, settings, module.train(), backbone, kind=name, built=built, mean=mean, std=std)


def check_single(data: DetectionData) -> None:
    """Refuse scenes that a detector of one object an image cannot say.

    Raises:
        UsageError: with how many there are.
    """
    counts = torch.cat([(part.classes != NONE).sum(dim=1) for part in (data.train, data.val)])
    several = int((counts > 1).sum())
    if several:
        raise UsageError(
            f"--mode single finds at most one object an image, and {several} of {len(counts)} scenes hold more, up to "
            f"{int(counts.max())}; give --mode many"
        )


def usual_size(scenes: Framed) -> tuple[float, float]:
    """The median width and height of the objects, in pixels of what is trained on."""
    sizes = scenes.boxes[scenes.classes != NONE][:, 2:] * torch.tensor([scenes.side[1], scenes.side[0]])
    width, height = sizes.median(dim=0).values.clamp(min=1).tolist()
    return round(width, 2), round(height, 2)


def cell_of(usual: tuple[float, float]) -> int:
    """Pixels of a cell: the largest power of 2 of which two go into the usual object, from 4 to 32.

    >>> cell_of((20.0, 26.0))
    8
    """
    length = (usual[0] * usual[1]) ** 0.5 / 2
    return min(max(1 << int(max(length, 1)).bit_length() - 1, FINEST), COARSEST)


def _normalisation(scenes: Framed, backbone: Backbone, channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    if backbone.mean is not None and backbone.std is not None:
        return tuple(tuple(v[i % len(v)] for i in range(channels)) for v in (backbone.mean, backbone.std))  # type: ignore[return-value]
    means = torch.stack([part.double().mean(dim=(0, 2, 3)) for part in scenes.pixels.split(512)])
    weights = torch.tensor([len(part) for part in scenes.pixels.split(512)], dtype=torch.float64)
    mean = (weights @ means / weights.sum() / 255).tolist()
    if channels == 1:
        mean = [sum(a * b for a, b in zip(mean, (0.299, 0.587, 0.114), strict=True))]
    return tuple(round(v, 4) for v in mean), (STD,) * channels
