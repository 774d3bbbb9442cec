"""A whole course of training a generator: trained, looked at while it runs, examined."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from snellen._errors import SnellenError, UsageError
from snellen.exam.generate import examine_generator
from snellen.exam.how import how
from snellen.findings.finding import Finding
from snellen.findings.findings import Findings
from snellen.nets.saved import Saved, write_saved
from snellen.subject.network import Network
from snellen.training.checkpoint import checkpoint_path
from snellen.training.course import finished
from snellen.training.fit import Progress
from snellen.training.gan import TrainedGan, train
from snellen.training.gan_data import GanData
from snellen.training.gan_lesson import GanLesson, prepare
from snellen.training.gan_settings import Settings
from snellen.training.metrics import write_metrics
from snellen.training.verdicts.gan_game import game
from snellen.training.verdicts.gan_samples import samples
from snellen.training.verdicts.gan_setup import setup
from snellen.training.watch import Row

GENERATOR, DISCRIMINATOR = "generator.safetensors", "discriminator.safetensors"
METRICS, PAGE = "metrics.jsonl", "index.html"
SELDOM = 20
"""The page is written again while the training runs after so many times as long as writing it took."""
Save = Callable[[Findings, Path], object]


@dataclass(frozen=True, eq=False)
class GanCourse:
    """What a course of training left in its folder.

    Attributes:
        generator: as it lies there.
        findings: of the page; None if all was there already, left by the same command.
    """

    generator: Saved
    findings: Findings | None


def train_generator(
    data: GanData,
    settings: Settings,
    out: Path,
    *,
    save: Save,
    begun: Callable[[GanLesson], object] = lambda _lesson: None,
    command: str = "",
    progress: Progress = lambda _stage, _done, _total: None,
) -> GanCourse:
    """Train a generator into a folder: both networks, the metrics, and a page that is drawn while it runs.

    Killed and called again with the same arguments, it goes on from its last checkpoint. The generator is written
    last: where it is, everything is.

    Args:
        data: what it learns from.
        settings: how.
        out: the folder.
        save: writes findings as a page into a folder, beside what is there.
        begun: given the lesson before its first step.
        command: as the user gave it, for the page.
        progress: called with a stage, steps done and steps in all.

    Raises:
        UsageError: the folder holds what another command left.
        ImagesError: fewer images than a batch, no labels where they are needed.
        InputError: too little memory, a full disk.
        DivergedError: losses or scores beyond all bounds; the last sound checkpoint is still there.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out is a folder for the networks, the metrics and the page; {out} is a file")
    if (out / PAGE).exists() and not (out / METRICS).exists():
        raise UsageError(f"{out} holds a page that no training wrote; give another --out, or delete it")
    lesson = prepare(data, settings)
    checkpoint = checkpoint_path(out / GENERATOR)
    there = finished(out / GENERATOR, lesson.command)
    if there is not None:
        checkpoint.unlink(missing_ok=True)  # killed after the generator was written and before this
        return GanCourse(there, None)
    out.mkdir(parents=True, exist_ok=True)
    begun(lesson)
    live = _Live(lesson, out, save, command)
    trained = train(lesson, checkpoint=checkpoint, told=live.told, progress=progress)
    findings = live.findings(trained.fitted.rows, trained.samples, _examined(trained, lesson))
    save(findings, out)
    write_saved(trained.discriminator, out / DISCRIMINATOR)
    write_saved(trained.generator, out / GENERATOR)
    checkpoint.unlink(missing_ok=True)
    return GanCourse(trained.generator, findings)


def _examined(trained: TrainedGan, lesson: GanLesson) -> tuple[Finding, ...]:
    """What an examination says; it must not cost the generator if it cannot be made."""
    seed = lesson.settings.seed
    try:
        return examine_generator(
            trained.generator, lesson.data, discriminator=trained.discriminator, seed=seed
        ).findings
    except SnellenError as reason:
        return (Finding("generation/examination", "info", "The samples could not be examined", f"{reason}"),)


class _Live:
    """The metrics, and the page of a training that is under way."""

    def __init__(self, lesson: GanLesson, out: Path, save: Save, command: str) -> None:
        self.lesson, self.out, self.save, self.command, self.due = lesson, out, save, command, 0.0

    def told(self, rows: Sequence[Row], made: Tensor) -> None:
        write_metrics(self.out / METRICS, rows)
        began = time.perf_counter()
        if rows and began >= self.due:
            self.save(self.findings(rows, made), self.out)
            ended = time.perf_counter()
            self.due = ended + SELDOM * (ended - began)

    def findings(self, rows: Sequence[Row], made: Tensor, examined: tuple[Finding, ...] = ()) -> Findings:
        lesson, data = self.lesson, self.lesson.data
        step = int(rows[-1]["step"])
        subject: dict[str, Any] = {
            "network": f"generator ({lesson.settings.upsample}, {lesson.settings.called})",
            "images": data.name,
            "count": len(data),
        }
        if not examined:
            subject["so far"] = f"{step:,} of {lesson.settings.steps:,} steps"
        run = how("train gan", lesson.settings.seed, rows[-1]["seconds"], Network(lesson.generator))
        found = (
            *examined,
            samples(made, data.images, step),
            game(rows, lesson.settings),
            setup(lesson),
        )
        return Findings(found, subject=subject, run={**run, "command": self.command})
