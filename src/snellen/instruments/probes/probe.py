"""Are a network's features worth anything? k nearest neighbours in them, in pixels, and in random features."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from snellen._errors import ImagesError, UsageError, unknown
from snellen.instruments.probes.control import calibrated, has_statistics, random_twin
from snellen.instruments.probes.default_taps import default_taps
from snellen.instruments.probes.knn import METRICS, nearest
from snellen.instruments.probes.sample import SIDE, Sample, labelled
from snellen.instruments.probes.taps import features
from snellen.instruments.probes.views import views_of
from snellen.instruments.probes.vote import vote
from snellen.subject.images import Images
from snellen.subject.network import Network

Progress = Callable[[str, int, int], None]
TRAINED, OWN, RANDOM, PIXELS = "trained", "trained, own statistics", "random", "pixels"
CONTROLS = (PIXELS, RANDOM)
CALIBRATION = 1000
"""Points on which BatchNorm statistics are taken."""


@dataclass(frozen=True, eq=False)
class Row:
    """What one kind of features is worth at one place under one metric.

    Attributes:
        features: ``trained``, ``trained, own statistics``, ``random``, ``pixels``, or another network's name.
        tap: where; empty for pixels.
        metric: ``l2`` or ``cosine``.
        dimensions: of the vectors.
        correct: (s, q) whether the vote was right, a row a seed; one row where there are no seeds.
        answers: (q,) the voted classes, for the first seed.
        neighbours: (q, k) places in :attr:`Probe.points`, nearest first, for the first seed.
    """

    features: str
    tap: str
    metric: str
    dimensions: int
    correct: Bool[Tensor, "s q"]
    answers: Int[Tensor, "q"]
    neighbours: Int[Tensor, "q k"]

    @property
    def accuracy(self) -> float:
        """The share of queries that are right, the mean over the seeds."""
        return float(self.correct.double().mean())

    @property
    def share(self) -> Float[Tensor, "q"]:
        """(q,) for every query the share of the seeds for which it is right."""
        return self.correct.double().mean(dim=0)


@dataclass(frozen=True, eq=False)
class Probe:
    """Rows in the order of the taps, for every metric; and what they were measured on.

    Attributes:
        rows: the results.
        taps: the places, from the front of the network to its end.
        points, queries: what was searched, and what was asked about.
        k: neighbours a query.
        duplicates: queries of which a point is an exact copy.
        notes: what was done, one sentence each.
    """

    rows: tuple[Row, ...]
    taps: tuple[str, ...]
    points: Sample
    queries: Sample
    k: int
    duplicates: int
    notes: tuple[str, ...]

    def of(self, features: str, *, metric: str, tap: str | None = None) -> list[Row]:
        """The rows of these features under this metric, all or those of one tap."""
        found = [r for r in self.rows if r.features == features and r.metric == metric]
        return [r for r in found if tap is None or r.tap == tap]


def probe(
    network: Network,
    points: Images,
    queries: Images,
    *,
    k: int = 3,
    metrics: Sequence[str] = METRICS,
    taps: Sequence[str] | None = None,
    against: Sequence[str | Network] = CONTROLS,
    seeds: Sequence[int] = (0, 1, 2),
    batch_size: int = 64,
    progress: Progress | None = None,
) -> Probe:
    """Classify queries by the vote of their k nearest points, in the network's features and in what they must beat.

    accuracy = share of queries whose vote is their class. BatchNorm statistics are taken anew on the points for every
    network, the trained one included, so that a random network is not handicapped by statistics of nothing; the
    trained network with its own statistics is a row of its own. The channel means of the points are subtracted from
    pixels. Nothing is fitted and nothing is tuned.

    Args:
        network: left exactly as it was.
        points: labelled images to search.
        queries: labelled images to classify.
        k: neighbours a query.
        metrics: of ``l2`` and ``cosine``.
        taps: where features are taken; see :func:`default_taps`.
        against: ``pixels``, ``random``, and other networks, which are tapped by default.
        seeds: of the random networks, one network a seed.
        batch_size: images per forward.
        progress: called with (stage, done, total).

    Raises:
        UsageError: an unknown metric, tap or comparison, k above the number of points.
        ImagesError: a set without labels, or class names that differ.
        NetworkError: a network that raises, features that are not finite.

    Reference: Caron et al. 2021, arXiv:2104.14294 (the k-NN protocol); Saxe et al. 2011 (random features).

    >>> from snellen import load_images, load_network
    >>> few = [load_images(f"digits:{part}", limit=60) for part in ("train", "test")]
    >>> result = probe(load_network("builtin"), *few, against=["pixels"], metrics=["l2"])
    >>> [f"{row.features} {row.tap}" for row in result.rows][-1]
    'pixels '
    """
    _check(metrics, against, seeds)
    if points.class_names is not None and queries.class_names not in (None, points.class_names):
        raise ImagesError(
            f"points and queries must have the same classes in the same order, got {points.class_names[:5]} ... and "
            f"{(queries.class_names or ())[:5]} ...; give --classes"
        )
    here = labelled(points, network.preprocessing, role="points", batch_size=batch_size)
    asked = labelled(queries, network.preprocessing, role="queries", batch_size=batch_size)
    if not 1 <= k <= len(here):
        raise UsageError(f"k must be from 1 to {len(here)}, for there are {len(here)} labelled points; got {k}")
    first = next(iter(here.thinned(2)))
    places = tuple(taps) if taps else default_taps(network, first)
    judge = _Judge(here, asked, k, tuple(metrics), progress or (lambda _stage, _done, _total: None))
    rows = list(judge.network(network, places, TRAINED, calibrate=True))
    if has_statistics(network.module):
        rows += judge.network(network, places, OWN, calibrate=False)
    for control in against:
        if control == PIXELS:
            rows += judge.pixels()
        elif control == RANDOM:
            rows += judge.random(network, places, seeds)
        elif isinstance(control, Network):
            other = default_taps(control, next(iter(here.thinned(2).fitted(control.preprocessing))))
            rows += judge.network(control, other, control.name, calibrate=True)
    known = set(here.digests())
    copies = sum(digest in known for digest in asked.digests())
    return Probe(tuple(rows), places, here, asked, k, copies, tuple(_notes(network, here, asked, against, seeds)))


@dataclass(frozen=True, eq=False)
class _Judge:
    """Votes on vectors of points and queries, wherever these come from."""

    points: Sample
    queries: Sample
    k: int
    metrics: tuple[str, ...]
    progress: Progress

    def network(self, network: Network, taps: Sequence[str], name: str, *, calibrate: bool) -> list[Row]:
        """A row a tap and metric; each view on statistics of its own."""
        points, queries = (s.fitted(network.preprocessing) for s in (self.points, self.queries))
        total = len(points) + len(queries)
        rows = []
        for view in views_of(network.module):
            here = [t for t in taps if not view or t.startswith(f"{view}/")]
            if not here:
                continue
            stage = f"{name}, {view}" if view else name
            seen = calibrated(network, points.thinned(CALIBRATION), view=view) if calibrate else network
            there = features(seen, points, here, progress=partial(self._say, stage, 0, total))
            asked = features(seen, queries, here, progress=partial(self._say, stage, len(points), total))
            rows += [row for tap in here for row in self.vectors(name, tap, there[tap], asked[tap])]
        return rows

    def _say(self, stage: str, before: int, total: int, done: int) -> None:
        self.progress(stage, before + done, total)

    def random(self, network: Network, taps: Sequence[str], seeds: Sequence[int]) -> list[Row]:
        """The rows of a twin a seed, put together."""
        found = [self.network(random_twin(network, seed=s), taps, f"{RANDOM} {s}", calibrate=True) for s in seeds]
        return [
            Row(RANDOM, a.tap, a.metric, a.dimensions, torch.cat([r.correct for r in alike]), a.answers, a.neighbours)
            for alike in zip(*found, strict=True)
            for a in alike[:1]
        ]

    def pixels(self) -> list[Row]:
        """The images themselves, without the mean of each channel."""
        points, _ = self.points.flat()
        queries, _ = self.queries.flat()
        channels = self.points.preprocessing.count
        means = points.view(len(points), channels, -1).mean(dim=(0, 2)).repeat_interleave(points.shape[1] // channels)
        return self.vectors(PIXELS, "", points - means, queries - means)

    def vectors(self, name: str, tap: str, points: Tensor, queries: Tensor) -> list[Row]:
        """A row a metric."""
        rows = []
        for metric in self.metrics:
            neighbours = nearest(queries, points, k=self.k, metric=metric).indices
            answers = vote(neighbours, self.points.labels)
            correct = (answers == self.queries.labels)[None]
            rows.append(Row(name, tap, metric, points.shape[1], correct, answers, neighbours))
        return rows


def _check(metrics: Sequence[str], against: Sequence[Any], seeds: Sequence[int]) -> None:
    for metric in metrics:
        if metric not in METRICS:
            raise unknown("metric", metric, METRICS)
    for control in against:
        if not isinstance(control, Network) and control not in CONTROLS:
            raise unknown("comparison", str(control), CONTROLS)
    if not metrics or (RANDOM in against and not seeds):
        raise UsageError(f"at least one metric and one seed are needed, got {list(metrics)} and {list(seeds)}")


def _notes(
    network: Network, points: Sample, queries: Sample, against: Sequence[Any], seeds: Sequence[int]
) -> list[str]:
    notes = [f"{len(points)} points from {points.images.name}, {len(queries)} queries from {queries.images.name}"]
    notes += [
        f"{s.unused} {role} were left out: unreadable, or of unknown class"
        for role, s in (("points", points), ("queries", queries))
        if s.unused
    ]
    if has_statistics(network.module):
        count = min(CALIBRATION, len(points))
        notes.append(f"BatchNorm statistics of every network were taken anew on {count} points")
    if PIXELS in against:
        side = max(next(iter(points)).shape[2:])
        averaged = f"averaged to {SIDE} x {SIDE}, " if side > SIDE else ""
        notes.append(f"pixels are {averaged}less the channel means of the points")
    if RANDOM in against:
        twin = random_twin(network, seed=seeds[0])
        notes.append(f"random: the same network, weights drawn anew with the seeds {', '.join(map(str, seeds))}")
        notes += twin.notes[1:]
    return notes
