"""How well does a detector find things? It looks once at scenes whose truth is known, and every question is asked."""

import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from snellen._errors import ImagesError, SnellenError
from snellen.checks.detection import CHECKS
from snellen.checks.detection._base import Detected, DetectionCheck, Progress, counted, silent
from snellen.exam.detected_classes import in_classes_of_scenes, listed, places_of
from snellen.exam.how import how
from snellen.findings.evidence import Table
from snellen.findings.finding import Finding
from snellen.findings.findings import Findings
from snellen.instruments.detection.boxes import iou
from snellen.instruments.detection.detections import Detections
from snellen.instruments.detection.detector import Detector
from snellen.instruments.detection.look import look
from snellen.instruments.detection.suppression import Method
from snellen.subject.batches import BadImage
from snellen.subject.quiet import quiet
from snellen.subject.scenes import Scenes

FIRST = ("average_precision", "box_mistakes", "worst_scenes", "localisation", "score_threshold", "nms_threshold")


def examine_detections(
    detector: Detector,
    scenes: Scenes,
    *,
    nms: float | None = 0.5,
    method: Method = "greedy",
    seed: int = 0,
    batch_size: int = 32,
    progress: Progress = silent,
) -> Findings:
    """Examine a detector on scenes: precision, kinds of mistakes, thresholds, boxes, false alarms, the worst images.

    Args:
        detector: left exactly as it was. Its classes are those of the scenes by their names, or by their places where
            it has none.
        scenes: images, of any sizes, with boxes and classes of what stands in them; some may be empty.
        nms: the IoU above which the less sure of two candidates of a class goes; None suppresses nothing.
        method: of suppression: ``greedy``, ``soft`` or ``matrix``.
        seed: the same seed gives the same findings.
        batch_size: images a pass; bounds the memory.
        progress: called with (stage, done, total).

    Raises:
        ImagesError: no scene holds an object, or no class of the detector is one of theirs.
        SnellenError: the detector or the images cannot be used at all. A check that crashes does not end the
            examination; it becomes a finding.

    >>> from snellen.nets.detector import SingleDetector
    >>> from snellen.subject.load.scenes import load_scenes
    >>> scenes = load_scenes("digit-scenes", limit=4)
    >>> untrained = SingleDetector("strided", {"widths": [4, 8]}, classes=3)
    >>> found = examine_detections(Detector(untrained, class_names=scenes.class_names, side=(32, 32)), scenes)
    >>> 0 <= found.measured["ap50"] <= 1
    True
    """
    began = time.perf_counter()
    if not any(len(truth) for truth in scenes.objects):
        raise ImagesError(f"none of {counted(len(scenes), 'image')} holds an object: there is nothing to be found")
    places, notes = places_of(detector, scenes.class_names, of=scenes.name)
    foreign = [name for i, name in enumerate(scenes.class_names) if i not in places and scenes.counts[i]]
    if foreign:
        notes += (f"the detector does not know {listed(foreign)}: all objects of these classes are missed",)
    looked = look(detector, scenes.images, nms=nms, method=method, batch_size=batch_size, progress=progress)
    scenes = scenes if len(looked.indices) == len(scenes) else scenes.subset(looked.indices)
    said = tuple(in_classes_of_scenes(found, places, detector) for found in looked.detections)
    seen = Detected(
        scenes,
        said,
        looked.sizes,
        tuple(in_classes_of_scenes(found, places, detector) for found in looked.candidates),
        nms,
        _Slope(detector, scenes, said, places) if detector.side is not None else None,
        seed,
        progress,
    )
    found = [_unreadable(looked.bad)] if looked.bad else []
    found += [finding for name in _order() for finding in _ask(name, CHECKS[name](), seen)]
    return Findings(
        tuple(found),
        subject={
            "network": detector.name,
            "images": scenes.name,
            "count": len(scenes),
            "objects": seen.objects,
            "classes": list(scenes.class_names),
            "suppression": "none" if nms is None else f"{method}, class by class, at an IoU of {nms:g}",
            "input": None if detector.side is None else " x ".join(map(str, detector.side)),
            "notes": [*detector.notes, *scenes.notes, *notes],
        },
        run=how("detect", seed, time.perf_counter() - began, detector),
    )


def detection_metrics() -> dict[str, str]:
    """What an examination of a detector measures: names, for bounds on them, and what they are."""
    return {name: text for check in CHECKS.values() for name, text in check.metrics.items()}


def _order() -> list[str]:
    """As a reader wants them: how good it is, where it errs, what could be set otherwise, and then the rest."""
    return [*FIRST, *(name for name in CHECKS if name not in FIRST)]


@dataclass(frozen=True, eq=False)
class _Slope:
    """The slope of the score of one detection with respect to the pixels of its scene."""

    detector: Detector
    scenes: Scenes
    said: tuple[Detections, ...]
    places: Tensor

    def __call__(self, scene: int, row: int) -> Tensor:
        """(c, h, w): of the candidate of its class whose box is the nearest to that of the detection."""
        pixels = self.scenes.images.pixels(indices=[scene])[0].requires_grad_()
        with quiet(self.detector.module), torch.enable_grad():
            boxes, scores, classes = (part[0] for part in self.detector.numbers([self.detector.prepared(pixels)]))
            near = iou(self.said[scene].boxes[row : row + 1], _sorted(boxes.detach().cpu()))[0]
            same = self.places[classes.cpu()] == self.said[scene].classes[row]
            (slope,) = torch.autograd.grad(scores[int(near.where(same, torch.tensor(-1.0)).argmax())], pixels)
        return slope


def _sorted(boxes: Tensor) -> Tensor:
    """Boxes whose sides an untrained network gave the wrong way round, the right way round."""
    return torch.cat([torch.minimum(boxes[:, :2], boxes[:, 2:]), torch.maximum(boxes[:, :2], boxes[:, 2:])], dim=1)


def _unreadable(bad: Sequence[BadImage]) -> Finding:
    return Finding(
        "detection/images",
        "warning",
        "Images that cannot be read",
        f"{counted(len(bad), 'image')} could not be decoded and {'is' if len(bad) == 1 else 'are'} left out.",
        remedy="Fetch them again, or take them out of the set.",
        evidence=(Table("Files", ("image", "reason"), tuple((b.name, b.reason) for b in bad)),),
    )


def _ask(name: str, check: DetectionCheck, seen: Detected) -> Sequence[Finding]:
    try:
        return tuple(check(seen))
    except SnellenError as reason:
        return (Finding(f"detection/{name}", "info", "Could not be answered", f"{reason}"),)
    except Exception as error:
        lines = tuple((line.rstrip(),) for line in traceback.format_exc().splitlines())
        return (
            Finding(
                f"detection/{name}",
                "warning",
                "The check crashed",
                f"{type(error).__name__}: {error}. The other findings are not affected.",
                remedy="This is a defect of the check or an unusual detector: please report it with the lines below.",
                evidence=(Table("Traceback", ("line",), lines, shown=40),),
            ),
        )
