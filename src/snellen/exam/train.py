"""A whole course of training a classifier: audited, given a learning rate, trained, measured, judged."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from snellen._atomic import write_file
from snellen._errors import InputError, UsageError
from snellen.exam.audit import audit_training
from snellen.exam.how import how
from snellen.findings.finding import Finding
from snellen.findings.findings import Findings
from snellen.nets.saved import Saved, write_saved
from snellen.subject.network import Network
from snellen.training.checkpoint import checkpoint_path
from snellen.training.classify import train
from snellen.training.course import finished
from snellen.training.curves import best_epoch
from snellen.training.dataset import Dataset
from snellen.training.event_files import EventFiles
from snellen.training.fit import Progress
from snellen.training.initial import Initial
from snellen.training.lesson import Lesson, prepare
from snellen.training.metrics import write_metrics
from snellen.training.range_test import RangeTest, range_test
from snellen.training.ranks import ALONE, Ranks
from snellen.training.settings import Settings
from snellen.training.verdicts.epochs import epochs
from snellen.training.verdicts.images import images
from snellen.training.verdicts.learning_rate import learning_rate
from snellen.training.verdicts.looks import looks
from snellen.training.verdicts.overfitting import overfitting
from snellen.training.verdicts.result import result
from snellen.training.verdicts.robustness import robustness
from snellen.training.verdicts.settings import settings as settings_of
from snellen.training.watch import Row

NETWORK, METRICS, PAGE, RANGE = "network.safetensors", "metrics.jsonl", "index.html", "range_test.json"
EVENTS = "tensorboard"
AUDITED = 128
"""Images of the first batch that the audit is given, at most."""
SELDOM = 20
"""The page is written again while the training runs after so many times as long as writing it took."""
Save = Callable[[Findings, Path], object]


@dataclass(frozen=True, eq=False)
class Course:
    """What a course of training left in its folder.

    Attributes:
        saved: the network.
        there: whether it was there already, trained by the same command.
    """

    saved: Saved
    there: bool


def train_classifier(
    data: Dataset,
    settings: Settings,
    out: Path,
    *,
    save: Save,
    initial: Initial | None = None,
    auto: bool = False,
    force: bool = False,
    command: str = "",
    tensorboard: bool = False,
    ranks: Ranks = ALONE,
    progress: Progress = lambda _stage, _done, _total: None,
) -> Course:
    """Train a classifier into a folder: the network, its metrics, and a page that is drawn while it runs.

    Before the first step the set-up is audited; an error stops it. Killed and called again with the same arguments, it
    goes on from its last checkpoint. The network is written last: where it is, everything is.

    Args:
        data: what it learns from.
        settings: how.
        out: the folder.
        save: writes findings as a page into a folder, beside what is there.
        initial: weights to begin with.
        auto: choose the peak of the learning rate by a range test.
        force: train in spite of the audit's errors; they stay on the page.
        command: as the user gave it, for the page.
        tensorboard: write the metrics as event files too, into a folder beside them.
        ranks: this process among those that train together; the first audits and writes.
        progress: called with a stage, steps done and steps in all.

    Raises:
        UsageError: the folder holds what another command left; tensorboard is asked for and not installed.
        InputError: errors of the audit, too little memory, a full disk.
        DivergedError: the loss grows and grows.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out is a folder for the network, its metrics and the page; {out} is a file")
    if (out / PAGE).exists() and not (out / METRICS).exists():
        raise UsageError(f"{out} holds a page that no training wrote; give another --out, or delete it")
    events = EventFiles(out / EVENTS) if tensorboard and ranks.first else None
    lesson = prepare(data, settings, initial)
    tested = _known(out / RANGE, lesson) if auto else None
    lesson = _at(lesson, tested)
    there = finished(out / NETWORK, lesson.command)
    checkpoint = checkpoint_path(out / NETWORK)
    if there is not None:
        checkpoint.unlink(missing_ok=True)  # killed after the network was written and before this
        return Course(there, there=True)
    if not ranks.first:
        return _helped(lesson, tested, checkpoint, auto=auto, ranks=ranks)
    out.mkdir(parents=True, exist_ok=True)
    audit = audited(lesson)
    if audit.errors and not force:
        said = " ".join(f"{found.title}: {found.sentence}" for found in audit.errors)
        raise InputError(
            f"the audit of the first step found what must be mended, so nothing was trained. {said} Mend it, or train "
            "in spite of it with --force."
        )
    if auto and tested is None:
        tested = range_test(lesson.module, lesson.losses, lesson.schedule, seed=settings.seed, progress=progress)
        write_file(out / RANGE, json.dumps({"command": lesson.command, "found": tested.plain}) + "\n")
        lesson = _at(lesson, tested)
    chosen_by = "you" if settings.learning_rate is not None else f"what {settings.network} usually learns well at"
    rate = learning_rate(lesson.schedule, tested, chosen_by=chosen_by)
    before = (rate, images(data), settings_of(lesson), *audit)
    live = _Live(lesson, out, save, before, command, events)
    trained = train(lesson, checkpoint=checkpoint, told=live.told, ranks=ranks, progress=progress)
    fitted = trained.fitted
    measured = result(trained.scores, epochs=len(fitted.rows), best=fitted.best + 1, patience=settings.patience)
    looked = looks(data, trained, patience=settings.patience)
    withstood = () if trained.robust is None else (robustness(trained, lesson),)
    save(live.findings(fitted.rows, measured, *withstood, looked), out)
    write_saved(trained.saved, out / NETWORK)
    checkpoint.unlink(missing_ok=True)
    return Course(trained.saved, there=False)


def _helped(lesson: Lesson, tested: RangeTest | None, checkpoint: Path, *, auto: bool, ranks: Ranks) -> Course:
    """What the other processes do: the same steps, on their share of every batch, and nothing is written."""
    if auto and tested is None:
        tested = range_test(lesson.module, lesson.losses, lesson.schedule, seed=lesson.settings.seed)
    return Course(train(_at(lesson, tested), checkpoint=checkpoint, ranks=ranks).saved, there=False)


def audited(lesson: Lesson) -> Findings:
    """The audit of the first step of a lesson, and of what its splits share; nothing changes."""
    plain = replace(lesson, settings=replace(lesson.settings, mixup=0.0, cutmix=0.0))
    data = lesson.data
    known = data.views.images if data.views.images[0].shape[1:] == data.views.side else data.shown.images
    splits = {"train": known, "val": data.val.images} | ({} if data.test is None else {"test": data.test.images})
    return audit_training(
        lesson.module,
        lesson.schedule.optimizer_of(lesson.module),
        plain.seen(0, most=AUDITED),
        plain.loss,
        splits=splits,
        seed=lesson.settings.seed,
    )


class _Live:
    """The metrics, and the page of a training that is under way."""

    def __init__(
        self,
        lesson: Lesson,
        out: Path,
        save: Save,
        before: Sequence[Finding],
        command: str,
        events: EventFiles | None,
    ) -> None:
        self.lesson, self.out, self.save, self.before, self.command = lesson, out, save, tuple(before), command
        self.events, self.due = events, 0.0

    def told(self, rows: Sequence[Row]) -> None:
        write_metrics(self.out / METRICS, rows)
        if self.events is not None:
            self.events.write(rows)
        began = time.perf_counter()
        if rows and began >= self.due:
            self.save(self.findings(rows), self.out)
            ended = time.perf_counter()
            self.due = ended + SELDOM * (ended - began)

    def findings(self, rows: Sequence[Row], *first: Finding) -> Findings:
        data, settings = self.lesson.data, self.lesson.settings
        drawn = epochs(rows, best=best_epoch(rows), batch=self.lesson.batch)
        subject: dict[str, Any] = {
            "network": settings.network,
            "images": data.name,
            "count": len(data.labels),
            "classes": len(data.class_names),
        }
        if not first:
            subject["so far"] = f"{len(rows)} of {settings.epochs} epochs"
        run = how("train classify", settings.seed, rows[-1]["seconds"], Network(self.lesson.module))
        verdict = overfitting(rows, len(data.class_names))
        return Findings((*first, verdict, drawn, *self.before), subject=subject, run={**run, "command": self.command})


def _at(lesson: Lesson, tested: RangeTest | None) -> Lesson:
    """The lesson at the rate that a range test chose."""
    if tested is None:
        return lesson
    return replace(lesson, settings=replace(lesson.settings, learning_rate=tested.chosen))


def _known(path: Path, lesson: Lesson) -> RangeTest | None:
    """The range test that a run of the same command left before it was killed, or None."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["command"] != json.loads(json.dumps(lesson.command)):
            return None
        found = kept["found"]
        return RangeTest(**{**found, "rates": tuple(found["rates"]), "losses": tuple(found["losses"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None
