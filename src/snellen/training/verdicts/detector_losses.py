"""The curves of the training of a detector: its loss, the three terms of it, the learning rate."""

from collections.abc import Sequence

from snellen.findings.evidence import Curve, Table
from snellen.findings.finding import Finding
from snellen.training.watch import Row

NAME = "course/detector_losses"
TERMS = {"objectness": "is there an object", "box": "where (1 - CIoU)", "classes": "of which class"}


def detector_losses(rows: Sequence[Row], *, batch: int) -> Finding:
    """The rows of a training, drawn.

    Args:
        rows: of all epochs.
        batch: scenes a step.
    """
    numbers = tuple(float(row["epoch"]) for row in rows)
    last = rows[-1]
    best = min(range(len(rows)), key=lambda i: rows[i]["val_loss"]) + 1
    pace = last["step"] * batch / max(last["seconds"], 1e-9)
    marks = {"lowest": float(best)}

    def line(name: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
        return numbers, tuple(float(row[name]) for row in rows)

    columns = ("epoch", "train_loss", "val_loss", *(f"val_{term}" for term in TERMS), "learning_rate", "seconds")
    return Finding(
        NAME,
        "info",
        f"{len(rows)} epochs, the validation loss lowest after epoch {best}",
        f"{last['step']:,} steps of {batch} scenes in {_time(last['seconds'])}, looks included: {pace:,.0f} scenes a "
        f"second. At the end the loss is {last['train_loss']:.3g} on training scenes as they are and "
        f"{last['val_loss']:.3g} on validation scenes: {last['val_objectness']:.3g} for the objectness, "
        f"{last['val_box']:.3g} for the boxes, {last['val_classes']:.3g} for the classes. The last weights are kept.",
        measured={"epochs": float(len(rows)), "seconds": last["seconds"], "val_loss": last["val_loss"]},
        evidence=(
            Curve(
                "Loss",
                "epoch",
                "sum of the three terms",
                {
                    "training, as they are": line("train_loss"),
                    "validation": line("val_loss"),
                    "training, as the steps saw them": line("step_loss"),
                },
                marks=marks,
                note="With averaged weights, but for the last: moved and recoloured, with the weights of the step.",
            ),
            Curve(
                "The terms of the validation loss",
                "epoch",
                "loss",
                {said: line(f"val_{term}") for term, said in TERMS.items()},
                marks=marks,
            ),
            Curve("Learning rate", "epoch", "of the last step of the epoch", {"rate": line("learning_rate")}),
            Table(
                "Epochs",
                tuple(name.replace("_", " ") for name in columns),
                tuple(tuple(int(row[n]) if n == "epoch" else float(row[n]) for n in columns) for row in rows),
            ),
        ),
    )


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
