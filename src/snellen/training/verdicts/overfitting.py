"""Was it trained too long? The verdict on the curves, and the sketch that a lecturer would draw of them."""

import math
from collections.abc import Sequence

from snellen.findings.evidence import Curve
from snellen.findings.finding import Finding, Severity
from snellen.findings.interval import difference
from snellen.training.curves import Reading, Shape, read_curves
from snellen.training.watch import Row

NAME = "course/overfitting"
WIDE = 0.1
"""A gap in accuracy that is surely larger than this is worth a word, whatever the shape of the curves."""
TITLES: dict[Shape, tuple[Severity, str]] = {
    "too short": ("info", "Too few epochs to tell overfitting"),
    "learned nothing": ("error", "It has learned nothing"),
    "overfitted": ("warning", "It overfits: it was trained too long"),
    "over-confident": ("warning", "It overfits: it grows over-confident"),
    "still learning": ("info", "It was still learning when it ended"),
    "sound": ("ok", "No overfitting is seen in the curves"),
}
REMEDIES: dict[Shape, str] = {
    "learned nothing": "Try another learning rate (--lr auto), and look at the labels.",
    "overfitted": "Stop earlier (--patience 3), augment more (--cutout, --mixup, --cutmix), decay weights more "
    "(--weight-decay), or get more images.",
    "over-confident": "The answers are as good as ever, the probabilities are not: smooth the labels "
    "(--smoothing 0.1), stop earlier (--patience 3), or calibrate the probabilities afterwards.",
    "still learning": "More epochs will probably help: --epochs.",
}
NARROWER = " It knows its training images much better than others: more images or more augmentation narrow the gap."


def overfitting(rows: Sequence[Row], classes: int) -> Finding:
    """The verdict on the rows of a training, by the rule of :func:`snellen.training.curves.read_curves`.

    Args:
        rows: of all epochs.
        classes: of the network.
    """
    seen, last = read_curves(rows, classes), rows[-1]
    severity, title = TITLES[seen.shape]
    gap = last["train_accuracy"] - last["val_accuracy"]
    asked = [(last[f"{part}_accuracy"] * last[f"{part}_count"], last[f"{part}_count"]) for part in ("train", "val")]
    low, high = difference(asked[0], asked[1])
    wide = low > WIDE and seen.shape in ("sound", "still learning")
    if wide and seen.shape == "sound":
        severity, title = "info", "No epoch was too many, but the gap is wide"
    text = (
        f"{_told(seen, classes)} At the end {100 * last['train_accuracy']:.1f} % of the training images are right, "
        f"seen as the validation images are, and {100 * last['val_accuracy']:.1f} % of these: "
        + f"a gap of {100 * gap:.1f} points (95 % interval {100 * low:.1f} to {100 * high:.1f}).".replace("-", "−")
    )
    return Finding(
        NAME,
        severity,
        title,
        text,
        measured={
            "accuracy_gap": gap,
            "accuracy_gap_low": low,
            "accuracy_gap_high": high,
            "best_epoch": float(seen.best),
            "val_loss_rise": seen.rise,
        },
        headlines=("accuracy_gap",),
        remedy=f"{REMEDIES.get(seen.shape, '')}{NARROWER if wide else ''}".strip(),
        evidence=(_sketch(seen),),
        reference="Interval of the gap: Newcombe 1998, Statistics in Medicine 17:873-890, method 10.",
    )


def _told(seen: Reading, classes: int) -> str:
    if seen.shape == "too short":
        return f"{seen.epochs} epochs make no curve; at least 5 do."
    if seen.shape == "learned nothing":
        return (
            f"The training loss is still {seen.train[-1]:.3g}, and knowing nothing of {classes} classes costs "
            f"{math.log(classes):.3g}."
        )
    lowest = f"The validation loss was lowest after epoch {seen.best} of {seen.epochs}"
    rise = f"smoothed over 3 epochs it has risen by {seen.rise:.3g} from {seen.floor:.3g}"
    if seen.shape in ("overfitted", "over-confident"):
        answers = (
            f"and {100 * seen.lost:.1f} points of accuracy were lost"
            if seen.shape == "overfitted"
            else "while as many answers are right as then: it is wrong no more often, but surer when it is wrong"
        )
        return (
            f"{lowest}; {rise}, more than the {seen.needed:.2g} that noise could explain, for {seen.risen} epochs on "
            f"end. The training loss fell by {seen.fell:.3g} meanwhile, {answers}."
        )
    if seen.rise == 0:
        more = ", and was still falling faster than its noise" if seen.shape == "still learning" else ""
        return f"{lowest}; smoothed over 3 epochs it is lowest at the end{more}."
    return f"{lowest}; {rise}, and would have had to rise by {seen.needed:.2g} to mean anything."


def _sketch(seen: Reading) -> Curve:
    """Both losses, smoothed, where to stop, and the gap at the end as a line of its own."""
    epochs = tuple(float(i) for i in range(1, seen.epochs + 1))
    end = (epochs[-1], epochs[-1])
    note = (
        "Left of the line both losses fall: the network learns what training and validation images share. "
        + (
            "Right of it the training loss goes on falling and the validation loss does not: it learns what is true of "
            "the training images alone. "
            if seen.best < seen.epochs
            else "The line stands at the end: nothing was lost by going on. "
        )
        + "The upright line at the right is the gap between the two."
    )
    return Curve(
        "The sketch: when to stop",
        "epoch",
        "cross-entropy, smoothed over 3 epochs",
        {
            "training": (epochs, seen.train),
            "validation": (epochs, seen.val),
            "gap": (end, (seen.train[-1], seen.val[-1])),
        },
        marks={"best epoch": float(seen.best)},
        note=note,
    )
