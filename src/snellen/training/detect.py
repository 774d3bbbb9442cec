"""Train a detector: scenes seen a little differently every time, one cycle of the learning rate, averaged weights.

The validation scenes are looked at after every epoch and never trained on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from snellen.instruments._precision import fast_bfloat16
from snellen.nets.saved import Saved
from snellen.training.detection_data import Framed
from snellen.training.detection_lesson import DetectionLesson
from snellen.training.detection_views import Seen
from snellen.training.divergence import Divergence
from snellen.training.fit import Fitted, Progress, fit
from snellen.training.memory import enough_memory
from snellen.training.watch import Row, Watch

RECIPE = "snellen.training.detect"
SHOWN = 300
"""At most so many scenes of each part are looked at after an epoch."""
BLOCK = 100
"""Scenes of one look that are passed through the network at once."""


@dataclass(frozen=True, eq=False)
class TrainedDetector:
    """A trained detector and how it came to be.

    Attributes:
        saved: the detector, as it is written.
        fitted: losses and looks.
    """

    saved: Saved
    fitted: Fitted


def train(
    lesson: DetectionLesson,
    *,
    checkpoint: Path | None = None,
    checkpoint_every: int = 50,
    told: Callable[[Sequence[Row]], None] = lambda _rows: None,
    progress: Progress = lambda _stage, _done, _total: None,
) -> TrainedDetector:
    """Train the detector of a lesson, which is changed in place.

    Args:
        lesson: from :func:`snellen.training.detection_lesson.prepare`.
        checkpoint: where the file of the checkpoint lies while the training runs.
        checkpoint_every: steps between two of them.
        told: given the rows of all epochs so far, after each and when a killed run goes on.
        progress: called with a stage, steps done and steps in all.

    Raises:
        DivergedError: the loss grows and grows, or is not finite; the last checkpoint is still there.
        InputError: too little memory; a checkpoint that cannot be written.
        UsageError: a checkpoint of another command.
    """
    data, module, schedule = lesson.data, lesson.module, lesson.schedule

    def attempt(scenes: int) -> None:
        pixels, boxes, classes = _seen(data.train, slice(0, scenes))
        lesson.loss(module(lesson.normalised(pixels)), boxes, classes).total.backward()
        module.zero_grad()

    with enough_memory(lesson.batch, attempt):
        fitted = fit(
            module,
            lesson.losses,
            schedule,
            seed=lesson.settings.seed,
            checkpoint=checkpoint,
            command=lesson.command,
            checkpoint_every=checkpoint_every,
            watch=Watch(lesson.epoch, lambda: look_at(lesson), told),
            guard=Divergence(2 * len(data.class_names), schedule.rate),
            progress=progress,
        )
    return TrainedDetector(saved_of(lesson, fitted), fitted)


def saved_of(lesson: DetectionLesson, fitted: Fitted) -> Saved:
    """The detector of a lesson as it is written."""
    return Saved(
        lesson.module.eval(),
        kind=lesson.kind,
        settings=lesson.built,
        task="detect",
        mean=lesson.mean,
        std=lesson.std,
        about={
            "mode": lesson.settings.mode,
            "side": list(lesson.data.train.side),
            "channels": lesson.channels,
            "class_names": list(lesson.data.class_names),
        },
        story=fitted.story(RECIPE, lesson.command, len(lesson.data.train)),
    )


def look_at(lesson: DetectionLesson) -> Row:
    """How well the module does now: losses on training and validation scenes as they are, and what it finds."""
    return {**_losses(lesson, lesson.data.train, "train"), **_losses(lesson, lesson.data.val, "val")}


def _losses(lesson: DetectionLesson, scenes: Framed, part: str) -> Row:
    count = min(len(scenes), SHOWN)
    sums = torch.zeros(3, dtype=torch.float64)
    fast = fast_bfloat16(torch.device("cpu"))
    for first in range(0, count, BLOCK):
        pixels, boxes, classes = _seen(scenes, slice(first, min(first + BLOCK, count)))
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=fast):
            outputs = lesson.module(lesson.normalised(pixels))
            loss = lesson.loss(outputs, boxes, classes)
        terms = torch.stack([loss.objectness, loss.box, loss.classes]).double()
        sums += len(pixels) * terms
    objectness, box, told = (sums / count).tolist()
    row = {f"{part}_loss": objectness + box + told}
    return row | {f"{part}_objectness": objectness, f"{part}_box": box, f"{part}_classes": told}


def _seen(scenes: Framed, rows: slice) -> Seen:
    return scenes.pixels[rows].float() / 255, scenes.boxes[rows], scenes.classes[rows]
