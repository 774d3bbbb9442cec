"""Do the splits share images?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from snellen.checks.training._base import TrainingCheck
from snellen.findings.evidence import Table
from snellen.findings.finding import Finding
from snellen.training.health.facts import Observation
from snellen.training.health.leak import Overlap, overlap, read_split

NAME = "training/leakage"
TRAIN = ("train", "training")


@dataclass(frozen=True)
class Leakage(TrainingCheck):
    """Images of the validation or test split that are in the training split.

    Asked for by ``splits``, such as ``{"train": loader, "test": loader}``. Errors: the same files, overlapping indices
    of the same dataset, the same pixels. A warning for near-duplicates (grey, 16 x 16, brightness and contrast taken
    out) when there are more of them than the training images have among themselves, with a probability below 1 in a
    million: a fixed radius would find all of MNIST alike. Up to ``images`` of each split are read. Augmentation
    hides equal pixels: give the data without it.

    Reference: Recht et al. 2019 and Barz and Denzler 2020 (ciFAIR) on duplicates between splits.
    """

    images: int = 5000

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        given = seen.asked.splits
        name = next((k for k in TRAIN if k in given), None)
        if name is None or len(given) < 2:
            return []
        train = read_split(given[name], most=self.images)
        found: list[Finding] = []
        for other in given:
            if other != name:
                split = read_split(given[other], most=self.images)
                shared = overlap(train, split)
                found += self._judge(other, shared, len(split.hashes), len(train.hashes))
        return found

    def _judge(self, other: str, shared: Overlap, count: int, known: int) -> Iterator[Finding]:
        same = max(shared.files, shared.indices, len(shared.pixels))
        if same:
            text = f"Of {count:,} images of {other}, {same:,} are in the training split too: {shared.files} by file, "
            text += f"{shared.indices} by index, {len(shared.pixels)} by their pixels."
            pairs = Table(f"The same images: {other} and train", (other, "train"), shared.pixels)
            remedy = "Take them out of one of the splits, and split by their source "
            remedy += "(patient, film, place) if they have one."
            measured = {"leaked_images": float(same)}
            yield Finding(
                NAME, "error", f"Training images in {other}", text, remedy=remedy, measured=measured, evidence=(pairs,)
            )
            return
        if shared.near and shared.probability < 1e-6:
            text = f"{len(shared.near):,} of {count:,} images of {other} are nearly the "
            text += "same as a training image; among "
            text += f"the training images themselves that would be {shared.expected:.2g}."
            pairs = Table(f"Nearly the same: {other} and train", (other, "train"), shared.near)
            remedy = "Look at the pairs; split by their source if they have one."
            yield Finding(NAME, "warning", f"Near-duplicates in {other}", text, remedy=remedy, evidence=(pairs,))
            return
        text = f"None of {count:,} images of {other} is among {known:,} training images, nor nearly so."
        yield Finding(NAME, "ok", f"Train and {other}", text)
