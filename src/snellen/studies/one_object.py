"""Eight numbers for at most one object in an image: what they are, their loss, and why empty images are needed."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from snellen._errors import UsageError
from snellen.findings.finding import Finding
from snellen.instruments.detection.boxes import convert
from snellen.instruments.detection.detector import Detector
from snellen.instruments.detection.look import look
from snellen.instruments.losses.detection import NONE, single_loss
from snellen.studies._base import Progress, Study, silent
from snellen.studies._one_object_findings import Answer, Eight, Judged, findings
from snellen.studies._scenes import HELD, drawn, made, taught
from snellen.subject.preprocessing import Preprocessing
from snellen.subject.quiet import quiet
from snellen.subject.scenes import Scenes

SIDE, TESTED = 48, 300


@dataclass(frozen=True)
class OneObject(Study[Eight]):
    """An array of 8 numbers for at most one of three types of objects, and a loss for it (exercise 10a).

    y = (objectness, cx, cy, w, h, three class scores). A small detector is trained twice on scenes with at most one
    digit: with scenes that hold none, and without. Of two test scenes the eight numbers, the terms of the loss and
    their gradients are printed.

    Args:
        scenes: learned from.
        epochs: times they are gone through.

    Raises:
        UsageError: too few scenes, no epoch.

    Example:
        >>> from snellen.studies.one_object import OneObject
        >>> OneObject().about()["numbers"]
        '8: objectness, cx, cy, w, h, and a score for each of three classes'

    Reference: IN5400 exam 2021, exercise 10a; Ng, Deep learning specialization, course 4, week 3; Zheng et al. 2020,
    arXiv:1911.08287 (CIoU).
    """

    scenes: int = 1200
    epochs: int = 10

    title: ClassVar[str] = "Eight numbers for one object"

    def __post_init__(self) -> None:
        if self.scenes < 2 * HELD or self.epochs < 1:
            raise UsageError(f"expected at least {2 * HELD} scenes and 1 epoch, got {self.scenes} and {self.epochs}")

    def run(self, *, seed: int = 0, progress: Progress = silent) -> Eight:
        """Train with and without empty scenes, and look at both."""
        test = made("test", TESTED, side=SIDE, most=1, seed=seed)
        judged, detectors = [], []
        for empty in (0.2, 0.0):
            scenes = made("train", self.scenes, side=SIDE, most=1, seed=seed, empty=empty)
            detectors.append(taught("single", scenes, epochs=self.epochs, seed=seed, progress=progress))
            judged.append(_judged(detectors[-1], test))
        numbers = _numbers(detectors[0], test)
        first = {there: next(i for i, o in enumerate(test.objects) if bool(len(o)) == there) for there in (True, False)}
        answers = tuple(_answer(detectors[0], test, i, numbers[i]) for i in first.values())
        return Eight(answers[0], answers[1], judged[0], judged[1], test.class_names)

    def findings(self, result: Eight) -> tuple[Finding, ...]:
        """The exam's question."""
        return findings(result)

    def about(self) -> dict[str, Any]:
        """What learned what."""
        return {
            "numbers": "8: objectness, cx, cy, w, h, and a score for each of three classes",
            "learned": f"{self.scenes - HELD} scenes of {SIDE} x {SIDE} pixels, a fifth of them empty or none",
            "tested": f"{TESTED} scenes of other digits, about a fifth of them empty",
        }


def _numbers(detector: Detector, scenes: Scenes) -> Tensor:
    """(n, 8) what the network says of each scene."""
    prepared = torch.stack([detector.prepared(one).pixels for one in scenes.images.pixels(Preprocessing())])
    mean, std = (torch.tensor(v).view(-1, 1, 1) for v in (detector.mean, detector.std))
    with torch.no_grad(), quiet(detector.module):
        rows: Tensor = detector.module((prepared - mean) / std)
    return rows


def _answer(detector: Detector, scenes: Scenes, index: int, numbers: Tensor) -> Answer:
    """The numbers of one scene, what they should be, and the loss with its slope."""
    truth = scenes.objects[index]
    box = torch.full((1, 4), 0.5)
    classes = torch.tensor([NONE])
    if len(truth):
        box, classes = convert(truth.boxes[:1], "xyxy", to="cxcywh") / SIDE, truth.classes[:1]
    outputs = numbers[None].clone().requires_grad_()
    loss = single_loss(outputs, box, classes)
    (slope,) = torch.autograd.grad(loss.total, outputs)
    pixels = scenes.images.pixels(Preprocessing(), indices=[index])[0]
    said = detector.detections([pixels])[0].at_least(0.5)
    return Answer(
        tuple(numbers.tolist()),
        (float(len(truth)), *(box[0].tolist() if len(truth) else ())),
        int(classes[0]),
        (loss.objectness.item(), loss.box.item(), loss.classes.item()),
        tuple(slope[0].tolist()),
        pixels,
        drawn(truth, said, scenes.class_names),
    )


def _judged(detector: Detector, scenes: Scenes) -> Judged:
    said = look(detector, scenes.images).candidates
    numbers = _numbers(detector, scenes)
    there = torch.tensor([bool(len(truth)) for truth in scenes.objects])
    return Judged.of(said, scenes.objects, numbers[:, 0].sigmoid(), there)
