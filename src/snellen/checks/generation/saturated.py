"""Does the discriminator still teach the generator anything?"""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from snellen.checks.generation._base import Generated, GenerationCheck, Scored
from snellen.findings.evidence import Curve, Table
from snellen.findings.finding import Finding
from snellen.findings.interval import wilson
from snellen.instruments.generation.saturation import Saturation, saturation
from snellen.instruments.losses.adversarial import LOSSES

NAME = "generation/saturated"
BINS = 30


@dataclass(frozen=True)
class SaturatedDiscriminator(GenerationCheck):
    """How surely the discriminator tells samples from real images, and what slope is left for the generator.

    With a probability D = sigmoid(f), the loss log(1 - D) of the generator has the slope D and -log D the slope 1 - D.
    The game is decided, a warning, where at least ``sure`` of all pictures are told right (the lower end of Wilson's
    interval) and the mean probability of a sample is below ``low``. If it knows its training images from other real
    ones it has learned them by heart: a warning where a training image is scored above a held-out one with a
    probability above ``by_heart``. A critic gives no probability: only the latter is judged. A conditional one is told
    the class of a real image and the class that a sample was asked for.

    Reference: Goodfellow et al. 2014, arXiv:1406.2661, section 3; Arjovsky and Bottou 2017, arXiv:1701.04862; Karras
    et al. 2020, arXiv:2006.06676, on discriminators that overfit.
    """

    sure: float = 0.98
    low: float = 0.02
    by_heart: float = 0.75

    def __call__(self, seen: Generated) -> Sequence[Finding]:
        if seen.scored is None:
            return []
        scored, loss = seen.scored, LOSSES[seen.scored.loss]
        found = saturation(scored.real, scored.fake, loss)
        heart = None if scored.held_out is None else saturation(scored.real, scored.held_out, loss).auc
        measured = _measured(scored, found, heart)
        if heart is not None and heart > self.by_heart:
            return [self._by_heart(scored, found, heart, measured)]
        return [self._slope(scored, found, measured)]

    def _by_heart(self, scored: Scored, found: Saturation, heart: float, measured: dict[str, float]) -> Finding:
        return Finding(
            NAME,
            "warning",
            "A discriminator that knows its images by heart",
            f"{scored.name} scores a training image above a held-out real one with a probability of {heart:.0%}: it "
            "does not judge how real a picture is, but whether it has seen it.",
            measured=measured,
            headlines=("discriminator_auc",),
            remedy="Augment what it sees, both real images and samples (DiffAugment, ADA), give it more images, or "
            "stop earlier.",
            evidence=_evidence(scored, found),
            reference="Karras et al. 2020, arXiv:2006.06676.",
        )

    def _slope(self, scored: Scored, found: Saturation, measured: dict[str, float]) -> Finding:
        text = f"{scored.name} scores a real image above a sample with a probability of {found.auc:.1%}"
        decided = False
        if found.accuracy is not None and found.says_fake is not None:
            count = len(scored.real) + len(scored.fake)
            decided = wilson(found.accuracy * count, count)[0] >= self.sure and found.says_fake < self.low
            text += f" and tells {found.accuracy:.1%} right; it holds a sample to be real with {found.says_fake:.2g}"
        told = " It is told the class." if scored.kinds is not None else ""
        text += f".{told} The loss {scored.loss} gives a sample's score a mean slope of {found.slope:.2g}."
        return Finding(
            NAME,
            "warning" if decided else "info",
            "A saturated discriminator" if decided else "The discriminator",
            text,
            measured=measured,
            headlines=("discriminator_auc",),
            remedy="The game is decided. Take the non-saturating loss or a critic, lower the discriminator's learning "
            "rate, regularise it (R1, spectral norm), or smooth its labels."
            if decided
            else "",
            evidence=_evidence(scored, found),
            reference="Arjovsky and Bottou 2017, arXiv:1701.04862." if decided else "",
        )


def _measured(scored: Scored, found: Saturation, heart: float | None) -> dict[str, float]:
    named = {
        "discriminator_auc": found.auc,
        "discriminator_accuracy": found.accuracy,
        "says_real": found.says_real,
        "says_fake": found.says_fake,
        "loss_slope": found.slope,
        "input_slope": float(scored.slopes.median()),
        "training_image_auc": heart,
    }
    return {name: value for name, value in named.items() if value is not None}


def _evidence(scored: Scored, found: Saturation) -> tuple[Curve | Table, ...]:
    sets = {"real": scored.real, "samples": scored.fake}
    if scored.held_out is not None:
        sets["held-out real"] = scored.held_out
    low = float(min(s.min() for s in sets.values()))
    high = max(float(max(s.max() for s in sets.values())), low + 1e-6)
    edges = tuple(low + (high - low) * i / BINS for i in range(BINS + 1))
    series = {name: (edges, tuple((s.float().histc(BINS, low, high) / len(s)).tolist())) for name, s in sets.items()}
    told = {
        "a real image above a sample (AUC)": found.auc,
        "told right": found.accuracy,
        "probability of being real: real images": found.says_real,
        "probability of being real: samples": found.says_fake,
        "slope of the generator's loss by the score": found.slope,
        "slope of the score by a sample's inputs, median length": float(scored.slopes.median()),
    }
    return (
        Curve("Scores", "score", "share", series, kind="histogram", note="Before any sigmoid."),
        Table("The discriminator", ("what", "value"), tuple((n, v) for n, v in told.items() if v is not None)),
        *([] if scored.kinds is None else [_by_class(scored, *scored.kinds)]),
    )


def _by_class(scored: Scored, names: tuple[str, ...], real: Tensor, fake: Tensor) -> Table:
    """The game may be decided for one class and open for another."""
    rows = []
    for i, name in enumerate(names):
        x, y = scored.real[real == i], scored.fake[fake == i]
        auc = saturation(x, y, LOSSES[scored.loss]).auc if len(x) and len(y) else None
        rows.append((name, len(x), len(y), auc))
    columns = ("class", "real images", "samples", "a real image above a sample (AUC)")
    return Table("The discriminator by class", columns, tuple(rows))
