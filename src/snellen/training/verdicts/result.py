"""How well the trained network does, on which images, and how far the numbers can be trusted."""

from collections.abc import Mapping

from snellen.findings.evidence import Table
from snellen.findings.finding import Finding
from snellen.findings.interval import wilson
from snellen.training.score import Score

NAME = "course/result"
MEANT = {
    "train": "training images as they are",
    "val": "validation",
    "test": "test",
    "val_mirrored": "validation, mean of image and mirror image",
    "test_mirrored": "test, mean of image and mirror image",
    "val_attacked": "validation, attacked by PGD",
}


def result(scores: Mapping[str, Score], *, epochs: int, best: int, patience: int) -> Finding:
    """The accuracies with their 95 % Wilson intervals.

    Args:
        scores: ``val`` and more of :data:`MEANT`.
        epochs: that were made.
        best: the epoch with the smallest validation loss, from 1.
        patience: of the training; above 0 the weights are those of the best epoch.
    """
    val, test = scores["val"], scores.get("test")
    kept = f"With the weights of epoch {best} of {epochs}" if patience else f"After {epochs} epochs"
    text = f"{kept} {_said(val)} of the validation images are right."
    if test is not None:
        text += f" Of the test images, looked at only now, {_said(test)}."
    mirrored = scores.get("test_mirrored" if test is not None else "val_mirrored")
    if mirrored is not None:
        gain = f"{100 * (mirrored.accuracy - (test or val).accuracy):+.1f}".replace("-", "−")
        text += f" With the mean of each image and its mirror image it is {gain} points."
    if patience:
        text += (
            f" The epoch was chosen by these validation images, as the best of {epochs} looks: their accuracy is "
            "somewhat too good" + (", that of the test images is not." if test is not None else ".")
        )
    measured: dict[str, float] = {}
    for name, found in scores.items():
        low, high = wilson(found.right, found.count)
        measured |= {f"{name}_accuracy": found.accuracy, f"{name}_accuracy_low": low, f"{name}_accuracy_high": high}
    return Finding(
        NAME,
        "ok",
        f"{100 * (test or val).accuracy:.1f} % of the {'test' if test is not None else 'validation'} images are right",
        text,
        measured=measured,
        headlines=tuple(f"{name}_accuracy" for name in ("val", "test") if name in scores),
        evidence=(_table(scores),),
        reference="Wilson 1927, JASA 22:209-212.",
    )


def _said(found: Score) -> str:
    low, high = wilson(found.right, found.count)
    return (
        f"{found.right:,} of {found.count:,} ({100 * found.accuracy:.1f} %, 95 % interval {100 * low:.1f} to "
        f"{100 * high:.1f})"
    )


def _table(scores: Mapping[str, Score]) -> Table:
    rows = tuple(
        (MEANT[name], s.count, s.right, s.accuracy, *wilson(s.right, s.count), s.loss) for name, s in scores.items()
    )
    return Table(
        "Measured in float32, on images as they are",
        ("images", "number", "right", "accuracy", "low", "high", "loss"),
        rows,
        note="Low and high are the 95 % Wilson interval; the loss is the mean cross-entropy in nats.",
    )
