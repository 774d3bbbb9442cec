"""All that the weights depend on, in one table."""

from snellen.findings.evidence import Cell, Table
from snellen.findings.finding import Finding
from snellen.training.adversarial import Adversary
from snellen.training.lesson import Lesson

NAME = "course/settings"


def settings(lesson: Lesson) -> Finding:
    """The settings of a training as they took effect, defaults filled in."""
    asked, schedule = lesson.settings, lesson.schedule
    parameters = sum(p.numel() for p in lesson.module.parameters())
    augmented = [
        *(["mirrored"] * lesson.flips),
        f"moved by up to {lesson.shift} pixels (larger ones cropped)",
        *([f"a square of {asked.cutout} blanked"] if asked.cutout else []),
        *([f"colours changed by {asked.jitter:g}"] if asked.jitter else []),
        *([f"mixup {asked.mixup:g}"] if asked.mixup else []),
        *([f"cutmix {asked.cutmix:g}"] if asked.cutmix else []),
    ]
    rows: tuple[tuple[Cell, Cell], ...] = (
        ("network", f"{asked.network} {lesson.built}"),
        ("parameters", f"{parameters:,}"),
        ("begins with", "random weights" if lesson.begun is None else f"weights {lesson.begun}"),
        ("normalisation", f"mean {_listed(lesson.mean)}, std {_listed(lesson.std)}"),
        ("epochs, steps an epoch", f"{asked.epochs}, {lesson.epoch}"),
        ("images a step", str(lesson.batch)),
        ("optimizer", f"{schedule.optimizer}, peak rate {schedule.learning_rate:g}"),
        ("weight decay", f"{schedule.weight_decay:g}, not of norms and biases"),
        ("label smoothing", f"{asked.smoothing:g}"),
        ("augmentation", ", ".join(augmented)),
        ("adversary", _adversary(asked.adversary)),
        ("averaged weights", f"decay {asked.average:g}" if asked.average else "none"),
        ("patience", f"{asked.patience} epochs" if asked.patience else "none: all epochs"),
        ("seed", str(asked.seed)),
    )
    notes = "".join(f" {note[0].upper()}{note[1:]}." for note in lesson.notes)
    return Finding(
        NAME,
        "info",
        "How it was trained",
        f"{asked.network}, {parameters:,} parameters, {schedule.steps:,} steps at most.{notes}",
        measured={"parameters": float(parameters)},
        evidence=(Table("Settings", ("setting", "value"), rows),),
    )


def _adversary(asked: Adversary | None) -> str:
    if asked is None:
        return "none"
    return (
        f"{asked.method}, {asked.budget.levels} of 255 levels, {asked.steps} steps from a random start, against the "
        "network in evaluation mode"
    )


def _listed(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:g}" for value in values)
