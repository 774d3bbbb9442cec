"""Are the samples new, or training images?"""

from collections.abc import Sequence
from dataclasses import dataclass

from snellen.checks._pictures import picture
from snellen.checks.generation._base import Generated, GenerationCheck, small
from snellen.findings.evidence import Curve, Gallery, Tile
from snellen.findings.finding import Finding, Severity
from snellen.instruments.generation.memorised import Memorised, memorised

NAME = "generation/memorised"
IMPROBABLE = 1e-6
BINS = 40


@dataclass(frozen=True)
class MemorisedImages(GenerationCheck):
    """Samples that are nearer to a training image than real images that were not trained on.

    The null is the distance of held-out images to the training images, or of training images to each other. A sample
    nearer than a quarter of the null's median is a copy. A warning where so many copies have a probability below one in
    a million, an error where more than ``share`` of the samples are copies. A warning, too, where a sample is nearer to
    its training image than such a real one with a probability above ``near``: copies that were changed a little, or
    pictures of little variety. Pixels are averaged to 16 x 16; shifted or mirrored copies are not found.

    Reference: Meehan, Chaudhuri, Dasgupta 2020, arXiv:2004.05675.
    """

    share: float = 0.5
    near: float = 0.9
    pictures: int = 12

    def __call__(self, seen: Generated) -> Sequence[Finding]:
        held = None if seen.held_out is None else small(seen.held_out)
        found = memorised(small(seen.samples), small(seen.real), held_out=held, seed=seen.seed)
        copies, n = int(found.copies.sum()), len(seen.samples)
        severity: Severity = "ok"
        if found.probability < IMPROBABLE:
            severity = "error" if copies > self.share * n else "warning"
        title = "New pictures" if severity == "ok" else "Training images learned by heart"
        if severity == "ok" and found.nearer > self.near:
            severity, title = "warning", "Too near to the training images"
        others = "held-out images" if held is not None else "other training images"
        return [
            Finding(
                NAME,
                severity,
                title,
                f"{copies:,} of {n:,} samples are nearly a training image; of as many {others} {found.expected:.2g} "
                f"would be. A sample is nearer to its training image than those with a probability of "
                f"{found.nearer:.0%}.",
                measured={
                    "copied_samples": float(copies),
                    "training_distance_ratio": found.ratio,
                    "nearer_than_real": found.nearer,
                },
                headlines=("copied_samples",),
                remedy=""
                if severity == "ok"
                else "Train on more images or fewer steps, and augment what the discriminator sees (both real images "
                "and samples); do not give such samples away as new ones.",
                evidence=(_distances(found, others), self._gallery(seen, found)),
                reference="Meehan, Chaudhuri, Dasgupta 2020, arXiv:2004.05675.",
            )
        ]

    def _gallery(self, seen: Generated, found: Memorised) -> Gallery:
        tiles = []
        for row in found.distances.argsort()[: self.pictures].tolist():
            place = int(found.nearest[row])
            both = (picture("sample", seen.samples[row]), picture("nearest training image", seen.real[place]))
            told = "a copy" if bool(found.copies[row]) else "not a copy"
            tiles.append(Tile(f"sample {row}", both, lines=(f"distance {float(found.distances[row]):.3g}: {told}",)))
        return Gallery("Samples nearest to a training image", tuple(tiles), "The nearest first.")


def _distances(found: Memorised, others: str) -> Curve:
    high = float(max(found.distances.max(), found.null.max())) or 1.0
    edges = [high * i / BINS for i in range(BINS + 1)]
    series = {
        name: (tuple(edges), tuple((values.histc(BINS, 0, high) / len(values)).tolist()))
        for name, values in (("samples", found.distances.float()), (others, found.null.float()))
    }
    return Curve(
        "Distance to the nearest training image",
        "L2 distance",
        "share",
        series,
        kind="histogram",
        marks={"a copy": found.threshold},
    )
