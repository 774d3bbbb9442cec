"""The curves of a training, epoch by epoch: losses, accuracies, learning rate, time."""

from collections.abc import Sequence

from snellen.findings.evidence import Curve, Table
from snellen.findings.finding import Finding
from snellen.training.watch import Row

NAME = "course/epochs"


def epochs(rows: Sequence[Row], *, best: int, batch: int) -> Finding:
    """The rows of a training, drawn.

    Args:
        rows: of all epochs.
        best: the epoch with the smallest validation loss, from 1.
        batch: images a step.
    """
    numbers = tuple(float(row["epoch"]) for row in rows)
    last, marks = rows[-1], {"best epoch": float(best)}
    pace = last["step"] * batch / max(last["seconds"], 1e-9)

    def line(name: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
        return numbers, tuple(float(row[name]) for row in rows)

    return Finding(
        NAME,
        "info",
        f"{len(rows)} epochs, the best of them epoch {best}",
        f"{last['step']:,} steps of {batch} images in {_time(last['seconds'])}, looks included: {pace:,.0f} images a "
        f"second. The validation loss was lowest after epoch {best}: {rows[best - 1]['val_loss']:.3g}, with "
        f"{100 * rows[best - 1]['val_accuracy']:.1f} % of the validation images right.",
        measured={"epochs": float(len(rows)), "seconds": last["seconds"]},
        evidence=(
            Curve(
                "Loss",
                "epoch",
                "cross-entropy in nats",
                {
                    "training, as they are": line("train_loss"),
                    "validation": line("val_loss"),
                    "training, as the steps saw them": line("step_loss"),
                },
                marks=marks,
                note="With averaged weights and nothing dropped, but for the last: augmented, with the weights of the "
                "step and the dropout of training, and with smoothed or mixed targets if there are any.",
            ),
            Curve(
                "Accuracy",
                "epoch",
                "part of the images that is right",
                {"training, as they are": line("train_accuracy"), "validation": line("val_accuracy")},
                marks=marks,
            ),
            Curve("Learning rate", "epoch", "of the last step of the epoch", {"rate": line("learning_rate")}),
            _table(rows),
        ),
    )


def _table(rows: Sequence[Row]) -> Table:
    names = ("epoch", "train_loss", "val_loss", "train_accuracy", "val_accuracy", "learning_rate", "seconds")
    cells = tuple(tuple(int(row[n]) if n == "epoch" else float(row[n]) for n in names) for row in rows)
    return Table("Epochs", tuple(name.replace("_", " ") for name in names), cells)


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
