"""What a detector was trained on, and how."""

import torch

from snellen.findings.evidence import Cell, Table
from snellen.findings.finding import Finding
from snellen.instruments.losses.detection import NONE
from snellen.training.detection_data import Framed
from snellen.training.detection_lesson import DetectionLesson

NAME = "course/detector_setup"
NUMBERS = "objectness, cx, cy, w, h and {} class logits"


def detector_setup(lesson: DetectionLesson) -> Finding:
    """The scenes of each part, the detector, and all settings as they took effect."""
    asked, data, schedule = lesson.settings, lesson.data, lesson.schedule
    parameters = sum(p.numel() for p in lesson.module.parameters())
    trunk, count = lesson.module.trunk, len(data.class_names)
    numbers = f"{5 + count} numbers {'an image' if asked.mode == 'single' else 'in every cell'}"
    rows: tuple[tuple[Cell, Cell], ...] = (
        ("says", f"{numbers}: {NUMBERS.format(count)}"),
        (
            "trunk",
            f"{lesson.backbone.name} {lesson.built['built']}, {trunk.width} channels, {trunk.cell} pixels a cell",
        ),
        (
            "begins with",
            "random weights" if lesson.backbone.state is None else f"weights {lesson.backbone.fingerprint}",
        ),
        ("parameters", f"{parameters:,}"),
        ("normalisation", f"mean {_listed(lesson.mean)}, std {_listed(lesson.std)}, {lesson.channels}"),
        ("epochs, steps an epoch", f"{asked.epochs}, {lesson.epoch}"),
        ("scenes a step", str(lesson.batch)),
        ("optimizer", f"adamw, peak rate {schedule.learning_rate:g} in one cycle"),
        ("weight decay", f"{schedule.weight_decay:g}, not of norms and biases"),
        ("augmentation", _augmented(lesson)),
        ("averaged weights", f"decay {asked.average:g}" if asked.average else "none"),
        ("seed", str(asked.seed)),
    )
    sides = data.train.side
    notes = "".join(f" {note[0].upper()}{note[1:]}." for note in (*data.notes, *lesson.backbone.notes))
    return Finding(
        NAME,
        "info",
        "How it was trained",
        f"{len(data.train):,} scenes at {sides[0]} x {sides[1]} pixels to train on, {len(data.val):,} to judge by, "
        f"{len(data.held):,} to examine at the end.{notes}",
        measured={"parameters": float(parameters), "train_scenes": float(len(data.train))},
        evidence=(
            Table("Settings", ("setting", "value"), rows),
            Table("Objects of each class", ("class", "training", "validation"), _objects(lesson)),
        ),
    )


def _objects(lesson: DetectionLesson) -> tuple[tuple[Cell, ...], ...]:
    counts = [_counted(part, len(lesson.data.class_names)) for part in (lesson.data.train, lesson.data.val)]
    return tuple(zip(lesson.data.class_names, *counts, strict=True))


def _counted(part: Framed, classes: int) -> list[int]:
    return torch.bincount(part.classes[part.classes != NONE], minlength=classes).tolist()


def _augmented(lesson: DetectionLesson) -> str:
    asked = lesson.settings
    return ", ".join(
        [
            f"moved by up to {asked.shift:.0%} and zoomed by up to {asked.zoom:.0%}, so far as all boxes stay in",
            f"colours changed by {asked.jitter:g}",
            *(["mirrored"] * asked.flip),
        ]
    )


def _listed(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:g}" for value in values)
