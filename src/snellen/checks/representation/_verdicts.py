"""Which features are certainly better than which, said only when the interval of the difference excludes 0."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

from snellen.findings.interval import paired
from snellen.instruments.probes.probe import PIXELS, RANDOM, TRAINED, Probe, Row

Verdict = Literal["better", "worse", "not told apart"]


@dataclass(frozen=True)
class Comparison:
    """Trained features at one tap against others, on the same queries.

    Attributes:
        tap: where.
        metric: ``l2`` or ``cosine``.
        against: the other features.
        difference: of the accuracies, trained less the other.
        low, high: its interval; all comparisons of one page hold together with 95 %.
    """

    tap: str
    metric: str
    against: str
    difference: float
    low: float
    high: float

    @property
    def verdict(self) -> Verdict:
        """What the interval says."""
        return "better" if self.low > 0 else "worse" if self.high < 0 else "not told apart"


def comparisons(result: Probe) -> tuple[Comparison, ...]:
    """Trained against random at the same tap, and against pixels, for every tap and metric.

    The level is shared out over all of them (Bonferroni), for a page that makes twenty comparisons would find one by
    chance.
    """
    pairs = [
        (mine, other)
        for mine in result.rows
        if mine.features == TRAINED
        for other in result.rows
        if other.metric == mine.metric
        and (other.features == PIXELS or (other.features == RANDOM and other.tap == mine.tap))
    ]
    z = NormalDist().inv_cdf(1 - 0.05 / (2 * max(1, len(pairs))))
    return tuple(compared(mine, other, z=z) for mine, other in pairs)


def compared(mine: Row, other: Row, *, z: float) -> Comparison:
    """One comparison; the spread over the seeds of the other is part of its interval."""
    a, b = mine.share, other.share
    wins, losses = float((a * (1 - b)).sum()), float((b * (1 - a)).sum())
    seeds = other.correct.double().mean(dim=1)
    extra = float(seeds.var()) / len(seeds) if len(seeds) > 1 else 0.0
    low, high = paired(wins, losses, len(a), extra=extra, z=z)
    return Comparison(mine.tap, mine.metric, other.features, mine.accuracy - other.accuracy, low, high)


def best(rows: Sequence[Row]) -> Row:
    """The row of the highest accuracy, the first of equals."""
    return max(rows, key=lambda row: row.accuracy)
