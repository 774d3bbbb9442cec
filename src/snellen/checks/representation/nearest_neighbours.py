"""Do the features put alike images side by side?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from snellen._errors import UsageError
from snellen.checks._base import Check, Subject
from snellen.checks.representation._similar import similar_images
from snellen.checks.representation._verdicts import compared
from snellen.findings.evidence import Gallery, Table
from snellen.findings.finding import Finding
from snellen.findings.interval import Z95, wilson
from snellen.instruments.probes.control import calibrated, random_twin
from snellen.instruments.probes.default_taps import default_taps
from snellen.instruments.probes.knn import nearest
from snellen.instruments.probes.probe import PIXELS, RANDOM, TRAINED, Row
from snellen.instruments.probes.sample import Sample
from snellen.instruments.probes.taps import features
from snellen.instruments.probes.vote import vote
from snellen.subject.network import Network

NAME = "representation/nearest_neighbours"


@dataclass(frozen=True)
class NearestNeighbours(Check):
    """Every image is given the class of its nearest others, in the penultimate features and in what they must beat.

    Leave one out: share of images whose k nearest other images vote for their class, by cosine distance, at the last
    place of the network where features are taken by default; the same in the pixels and in the network with random
    weights. Images that are the only one of their class are left out. BatchNorm statistics are taken on these images
    for both networks. A warning when the trained features are certainly worse than random ones (the 95 % interval of
    the difference lies below 0). Without labels only the most similar images are shown.

    Args:
        images: at most so many, drawn by the seed.
        k: neighbours that vote.
        shown: images on the page with their neighbours.

    Reference: Caron et al. 2021, arXiv:2104.14294 (the k-NN protocol); ties go to the nearest neighbour.
    """

    images: int = 200
    k: int = 3
    shown: int = 8

    metrics: ClassVar[Mapping[str, str]] = {
        "neighbours_accuracy": "share of images whose nearest others, in penultimate features, vote for their class",
        "neighbours_accuracy_low": "lower end of its 95 % interval",
        "neighbours_accuracy_high": "upper end of its 95 % interval",
        "neighbours_accuracy_pixels": "the same in raw pixels",
        "neighbours_accuracy_random": "the same in the network with random weights",
    }

    def __post_init__(self) -> None:
        if min(self.images, self.k, self.shown) < 1:
            raise UsageError(f"images, k and shown must be at least 1, got {self}")

    def __call__(self, subject: Subject) -> Sequence[Finding]:
        rows, labels = self._chosen(subject)
        if len(rows) <= self.k:
            text = f"{len(rows)} images are too few: {self.k} neighbours need at least {self.k + 1}."
            return [Finding(NAME, "info", "Nearest neighbours", text)]
        network = subject.network
        indices = subject.predictions.indices[rows]
        sample = Sample(subject.images, indices, labels, network.preprocessing, 32)
        tap = default_taps(network, next(iter(sample.thinned(2))))[-1]
        known = bool((labels >= 0).all())
        networks = {TRAINED: network} | ({RANDOM: random_twin(network, seed=subject.seed)} if known else {})
        found = [
            self._row(name, tap, self._features(subject, sample, n, tap, name), labels) for name, n in networks.items()
        ]
        pixels, _ = sample.flat()
        found.append(self._row(PIXELS, "", pixels - pixels.mean(dim=0), labels))
        order = torch.randperm(len(rows), generator=torch.Generator().manual_seed(subject.seed))
        shown = order[: self.shown].sort().values.tolist()
        pictures = [row for row in found if row.features != RANDOM]
        gallery = similar_images(sample, sample, pictures, shown, lambda c: network.class_name(c) if c >= 0 else "")
        if not known:
            text = (
                f"The images have no labels; {len(shown)} of them with the {self.k} most similar others, by features "
            )
            text += f"at {tap} and by pixels."
            return [Finding(NAME, "info", "Most similar images", text, evidence=(gallery,))]
        return [self._judged(tap, found, gallery)]

    def _chosen(self, subject: Subject) -> tuple[Tensor, Tensor]:
        """Rows of the predictions and their classes: labelled images of classes that have two, or all where none is."""
        generator = torch.Generator().manual_seed(subject.seed)
        labels = subject.predictions.labels
        rows = torch.arange(len(labels))
        if bool((labels >= 0).any()):
            rows = rows[labels >= 0]
        rows = rows[torch.randperm(len(rows), generator=generator)[: self.images]].sort().values
        labels = labels[rows]
        if bool((labels >= 0).any()):
            paired = labels.bincount()[labels] > 1
            rows, labels = rows[paired], labels[paired]
        return rows, labels

    @staticmethod
    def _features(subject: Subject, sample: Sample, network: Network, tap: str, name: str) -> Tensor:
        view = tap.partition("/")[0] if "/" in tap else ""
        seen = calibrated(network, sample, view=view)
        return features(seen, sample, [tap], progress=lambda n: subject.progress(f"{name} features", n, len(sample)))[
            tap
        ]

    def _row(self, name: str, tap: str, vectors: Tensor, labels: Tensor) -> Row:
        neighbours = nearest(vectors, vectors, k=self.k, metric="cosine", exclude_self=True).indices
        answers = vote(neighbours, labels) if bool((labels >= 0).all()) else labels
        return Row(name, tap, "cosine", vectors.shape[1], (answers == labels)[None], answers, neighbours)

    def _judged(self, tap: str, found: Sequence[Row], gallery: Gallery) -> Finding:
        trained, random, pixels = found
        right, count = int(trained.correct.sum()), trained.correct.shape[1]
        low, high = wilson(right, count)
        against = compared(trained, random, z=Z95)
        worse = against.verdict == "worse"
        text = (
            f"With the classes of the {self.k} nearest other images at {tap}, {trained.accuracy:.1%} of {count} images "
        )
        text += f"({low:.1%} to {high:.1%}) are right; {pixels.accuracy:.1%} in raw pixels, {random.accuracy:.1%} with "
        words = {"better": "better than", "worse": "worse than", "not told apart": "not told apart from"}
        text += f"random weights. The trained features are {words[against.verdict]} random ones "
        text += f"({100 * against.difference:+.1f} points, {100 * against.low:+.1f} to {100 * against.high:+.1f})."
        table = Table(
            "Leave one out, cosine",
            ("features", "dimensions", "right", "of", "accuracy", "low", "high"),
            tuple(
                (
                    r.features,
                    r.dimensions,
                    int(r.correct.sum()),
                    count,
                    r.accuracy,
                    *wilson(int(r.correct.sum()), count),
                )
                for r in found
            ),
        )
        return Finding(
            NAME,
            "warning" if worse else "ok" if against.verdict == "better" else "info",
            "Features worse than random ones" if worse else "Nearest neighbours",
            text,
            measured={
                "neighbours_accuracy": trained.accuracy,
                "neighbours_accuracy_low": low,
                "neighbours_accuracy_high": high,
                "neighbours_accuracy_pixels": pixels.accuracy,
                "neighbours_accuracy_random": random.accuracy,
            },
            remedy="Probe other layers (snellen probe): the last one may be bent to the task." if worse else "",
            evidence=(table, gallery),
            reference="Caron et al. 2021, arXiv:2104.14294",
        )
