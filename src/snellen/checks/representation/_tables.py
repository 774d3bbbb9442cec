"""What was measured, as tables and curves."""

from collections.abc import Sequence

from snellen.checks.representation._verdicts import Comparison
from snellen.findings.evidence import Cell, Curve, Evidence, Table
from snellen.findings.interval import wilson
from snellen.instruments.probes.probe import PIXELS, RANDOM, TRAINED, Probe, Row

METRIC = {"l2": "L2", "cosine": "cosine"}


def accuracy_table(result: Probe, metric: str) -> Table:
    """Every kind of features at every tap, from the front of the network to its end, pixels first."""
    rows = [row for row in result.rows if row.metric == metric]
    order = {"": -1, **{tap: i for i, tap in enumerate(result.taps)}}
    rows.sort(key=lambda row: order.get(row.tap, len(order)))
    return Table(
        f"{result.k} nearest neighbours by {METRIC[metric]}: {len(result.queries):,} queries",
        ("tap", "features", "accuracy", "low", "high", "over seeds", "right", "dimensions"),
        tuple(_cells(row) for row in rows),
        shown=60,
        note="Low and high are the 95 % Wilson interval, for random features of their mean over the seeds.",
    )


def _cells(row: Row) -> tuple[Cell, ...]:
    count = row.correct.shape[1]
    right = float(row.share.sum())
    seeds = row.correct.double().mean(dim=1).tolist()
    spread = f"{min(seeds):.3f} – {max(seeds):.3f}" if len(seeds) > 1 else None
    accuracy = (right / count, *wilson(right, count), spread)
    return (row.tap or "–", row.features, *accuracy, round(right), row.dimensions)


def comparison_table(found: Sequence[Comparison]) -> Table:
    """Trained against the others, on the same queries."""
    return Table(
        "Trained features against others, on the same queries",
        ("tap", "metric", "against", "points", "low", "high", "trained is"),
        tuple((c.tap, METRIC[c.metric], c.against, *_points(c), c.verdict) for c in found),
        shown=60,
        note="Differences in percentage points. The intervals hold together with 95 % (Bonferroni); those against "
        "random features include the spread over the seeds. Better or worse is said only where 0 lies outside.",
    )


def _points(found: Comparison) -> tuple[float, float, float]:
    return round(100 * found.difference, 1), round(100 * found.low, 1), round(100 * found.high, 1)


def depth_curve(result: Probe, metric: str) -> list[Evidence]:
    """Accuracy along the depth, where there is a depth."""
    names = (TRAINED, RANDOM)
    series = {
        name: (tuple(float(result.taps.index(r.tap) + 1) for r in rows), tuple(r.accuracy for r in rows))
        for name in names
        if len(rows := result.of(name, metric=metric)) > 1
    }
    if not series:
        return []
    for row in result.of(PIXELS, metric=metric):
        series[PIXELS] = ((1.0, float(len(result.taps))), (row.accuracy, row.accuracy))
    taps = ", ".join(f"{i} {tap}" for i, tap in enumerate(result.taps, start=1))
    return [Curve(f"Along the depth, {METRIC[metric]}", "tap", "accuracy", series, note=f"Taps: {taps}.")]
