"""A whole course of training a detector: trained, looked at while it runs, examined on scenes held out."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snellen._errors import UsageError
from snellen.exam.detect import examine_detections
from snellen.exam.how import how
from snellen.findings.findings import Findings
from snellen.instruments.detection.load import detector_of
from snellen.nets.saved import Saved, write_saved
from snellen.subject.network import Network
from snellen.training.backbone import Backbone
from snellen.training.checkpoint import checkpoint_path
from snellen.training.course import finished
from snellen.training.detect import train
from snellen.training.detection_data import DetectionData
from snellen.training.detection_lesson import DetectionLesson, prepare
from snellen.training.detection_settings import DetectionSettings
from snellen.training.fit import Progress
from snellen.training.metrics import write_metrics
from snellen.training.verdicts.detector_losses import detector_losses
from snellen.training.verdicts.detector_setup import detector_setup
from snellen.training.verdicts.objectness import objectness
from snellen.training.watch import Row

DETECTOR, METRICS, PAGE = "detector.safetensors", "metrics.jsonl", "index.html"
SELDOM = 20
"""The page is written again while the training runs after so many times as long as writing it took."""
Save = Callable[[Findings, Path], object]


@dataclass(frozen=True, eq=False)
class DetectorCourse:
    """What a course of training left in its folder.

    Attributes:
        saved: the detector.
        findings: of the page; None if all was there already, left by the same command.
    """

    saved: Saved
    findings: Findings | None


def train_detector(
    data: DetectionData,
    settings: DetectionSettings,
    backbone: Backbone,
    out: Path,
    *,
    save: Save,
    command: str = "",
    progress: Progress = lambda _stage, _done, _total: None,
) -> DetectorCourse:
    """Train a detector into a folder: the network, its metrics, and a page that is drawn while it runs.

    Killed and called again with the same arguments, it goes on from its last checkpoint. When it is trained it is
    examined on the scenes held out, at their own size. The network is written last: where it is, everything is.

    Args:
        data: what it learns from.
        settings: how.
        backbone: what its trunk begins as.
        out: the folder.
        save: writes findings as a page into a folder, beside what is there.
        command: as the user gave it, for the page.
        progress: called with a stage, steps done and steps in all.

    Raises:
        UsageError: the folder holds what another command left; several objects in a scene in mode single.
        InputError: too little memory, a full disk.
        DivergedError: the loss grows and grows; the last checkpoint is still there.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out is a folder for the detector, its metrics and the page; {out} is a file")
    if (out / PAGE).exists() and not (out / METRICS).exists():
        raise UsageError(f"{out} holds a page that no training wrote; give another --out, or delete it")
    lesson = prepare(data, settings, backbone)
    checkpoint = checkpoint_path(out / DETECTOR)
    there = finished(out / DETECTOR, lesson.command)
    if there is not None:
        checkpoint.unlink(missing_ok=True)  # killed after the network was written and before this
        return DetectorCourse(there, None)
    out.mkdir(parents=True, exist_ok=True)
    live = _Live(lesson, out, save, command)
    trained = train(lesson, checkpoint=checkpoint, told=live.told, progress=progress)
    detector = detector_of(trained.saved, name=DETECTOR)
    examined = None
    if any(len(found) for found in data.held.objects):
        examined = examine_detections(detector, data.held, seed=settings.seed, progress=progress)
    findings = live.findings(trained.fitted.rows, examined, trained=True)
    save(findings, out)
    write_saved(trained.saved, out / DETECTOR)
    checkpoint.unlink(missing_ok=True)
    return DetectorCourse(trained.saved, findings)


class _Live:
    """The metrics, and the page of a training that is under way."""

    def __init__(self, lesson: DetectionLesson, out: Path, save: Save, command: str) -> None:
        self.lesson, self.out, self.save, self.command, self.due = lesson, out, save, command, 0.0

    def told(self, rows: Sequence[Row]) -> None:
        write_metrics(self.out / METRICS, rows)
        began = time.perf_counter()
        if rows and began >= self.due:
            self.save(self.findings(rows), self.out)
            ended = time.perf_counter()
            self.due = ended + SELDOM * (ended - began)

    def findings(self, rows: Sequence[Row], examined: Findings | None = None, *, trained: bool = False) -> Findings:
        lesson, data, settings = self.lesson, self.lesson.data, self.lesson.settings
        subject: dict[str, Any] = {
            "network": f"Detector of {'one object' if settings.mode == 'single' else 'many objects'}",
            "images": data.name if examined is None else data.held.name,
            "count": len(data.train) if examined is None else len(data.held),
            "trained on": data.name,
            "trunk": lesson.backbone.name,
            "classes": list(data.class_names),
        }
        if not trained:
            subject["so far"] = f"{len(rows)} of {settings.epochs} epochs"
        found = (
            *(() if examined is None else examined.findings),
            objectness(lesson, trained=trained),
            detector_losses(rows, batch=lesson.batch),
            detector_setup(lesson),
        )
        run = how("train detect", settings.seed, rows[-1]["seconds"], Network(lesson.module))
        return Findings(found, subject=subject, run={**run, "command": self.command})
