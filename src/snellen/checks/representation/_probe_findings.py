"""A probe as findings: are the features better than pixels, better than random ones, and where are they best?"""

from collections.abc import Callable, Sequence

import torch

from snellen.checks.representation._similar import similar_images
from snellen.checks.representation._tables import METRIC, accuracy_table, comparison_table, depth_curve
from snellen.checks.representation._verdicts import Comparison, best, comparisons
from snellen.findings.evidence import Evidence
from snellen.findings.finding import Finding
from snellen.findings.interval import wilson
from snellen.instruments.probes.probe import OWN, PIXELS, RANDOM, TRAINED, Probe, Row

FEW = 100
REFERENCE = (
    "Caron et al. 2021, arXiv:2104.14294; Saxe et al. 2011, On Random Weights; Noroozi and Favaro 2016, "
    "arXiv:1603.09246; Bonett and Price 2012, J. Educ. Behav. Stat. 37:479"
)


def probe_findings(
    result: Probe, *, class_name: Callable[[int], str] | None = None, shown: int = 12, seed: int = 0
) -> list[Finding]:
    """The findings of a probe.

    Args:
        result: of :func:`snellen.instruments.probes.probe.probe`.
        class_name: the name of a class; the points' own names if not given.
        shown: queries on the page, drawn by the seed.
        seed: of that draw.
    """
    names = result.points.images.class_names or result.queries.images.class_names
    name = class_name or (lambda c: names[c] if names is not None and c < len(names) else f"class {c}")
    metrics = list(dict.fromkeys(row.metric for row in result.rows))
    return [_worth(result, metrics), _copies(result), _similar(result, name, shown, seed)]


def _worth(result: Probe, metrics: Sequence[str]) -> Finding:
    found = comparisons(result)
    top = best([r for r in result.rows if r.features == TRAINED])
    lost = [c for c in found if c.against == RANDOM and c.verdict == "worse"]
    sentences = [_best(result, top), _answer(found, top), _everywhere(found), _depth(result, metrics)]
    sentences += _others(result, top)
    if lost:
        places = ", ".join(f"{c.tap} ({METRIC[c.metric]})" for c in lost[:4]) + (" ..." if len(lost) > 4 else "")
        sentences.append(f"Training has made the features worse than random ones at {places}.")
    if len(result.queries) < FEW:
        sentences.append(f"With {len(result.queries)} queries the intervals are wide.")
    evidence: list[Evidence] = [accuracy_table(result, m) for m in metrics]
    evidence += [comparison_table(found)] * bool(found) + [c for m in metrics for c in depth_curve(result, m)]
    return Finding(
        "representation/features",
        "warning" if lost else "ok" if any(c.verdict == "better" for c in found) else "info",
        "Features that lose to random ones" if lost else "What the features are worth",
        " ".join(filter(None, sentences)),
        measured=_measured(result, metrics[0]),
        headlines=("features_accuracy", "pixels_accuracy", "random_accuracy"),
        remedy="Take features where they are best, confirmed on images that did not choose the place; ask what the "
        "training rewards in the deeper layers."
        if lost
        else "",
        evidence=tuple(evidence),
        reference=REFERENCE,
    )


def _measured(result: Probe, metric: str) -> dict[str, float]:
    """At the last tap, which nobody chose by its result; pixels and random features beside it."""
    measured: dict[str, float] = {}
    for name, features, tap in (
        ("features", TRAINED, result.taps[-1]),
        ("pixels", PIXELS, None),
        ("random", RANDOM, result.taps[-1]),
    ):
        for row in result.of(features, metric=metric, tap=tap)[:1]:
            low, high = wilson(float(row.share.sum()), row.correct.shape[1])
            measured |= {
                f"{name}_accuracy": row.accuracy,
                f"{name}_accuracy_low": low,
                f"{name}_accuracy_high": high,
            }
    return measured


def _best(result: Probe, top: Row) -> str:
    right, count = round(float(top.share.sum())), top.correct.shape[1]
    low, high = wilson(right, count)
    places = len([r for r in result.rows if r.features == TRAINED])
    where = f"At {top.tap} by {METRIC[top.metric]}"
    where += f", the best of {places} places and metrics," if places > 1 else ","
    voters = "nearest neighbour" if result.k == 1 else f"{result.k} nearest neighbours"
    text = f"{where} {top.accuracy:.1%} of {count:,} queries ({low:.1%} to {high:.1%}) get their class from their "
    return text + voters + (" (chosen on these queries, so a little too kind)." if places > 1 else ".")


def _answer(found: Sequence[Comparison], top: Row) -> str:
    """Better than pixels, better than random, at the best place."""
    words = {"better": "better than", "worse": "worse than", "not told apart": "not told apart from"}
    what = {PIXELS: "raw pixels", RANDOM: "the same network with random weights"}
    parts = [
        f"{words[c.verdict]} {what[c.against]} "
        f"({100 * c.difference:+.1f} points, {100 * c.low:+.1f} to {100 * c.high:+.1f})"
        for c in found
        if (c.tap, c.metric) == (top.tap, top.metric)
    ]
    return f"There the trained features are {' and '.join(parts)}." if parts else ""


def _everywhere(found: Sequence[Comparison]) -> str:
    parts = []
    for name in (PIXELS, RANDOM):
        here = [c.verdict for c in found if c.against == name]
        if len(here) > 1:
            what = {PIXELS: "pixels", RANDOM: "random weights"}[name]
            parts.append(f"better than {what} in {here.count('better')} of {len(here)}, worse in {here.count('worse')}")
    return f"Over all places and metrics they are {'; '.join(parts)}." if parts else ""


def _depth(result: Probe, metrics: Sequence[str]) -> str:
    """Where the deepest tap stands; for many pretext tasks it is the worst."""
    parts, worst = [], []
    for metric in metrics:
        accuracies = [row.accuracy for row in result.of(TRAINED, metric=metric)]
        if len(accuracies) > 2:
            rank = 1 + sum(accuracy > accuracies[-1] for accuracy in accuracies)
            parts.append(f"{_ordinal(rank)} of {len(accuracies)} by {METRIC[metric]}")
            worst.append(accuracies[-1] == min(accuracies) < max(accuracies))
    if not parts:
        return ""
    end = ", the worst place, as is often so for pretext tasks." if all(worst) else "."
    return f"The deepest place, {result.taps[-1]}, comes {' and '.join(parts)}{end}"


def _ordinal(n: int) -> str:
    return {1: "first", 2: "second", 3: "third"}.get(n, f"{n}th")


def _others(result: Probe, top: Row) -> list[str]:
    others = dict.fromkeys(r.features for r in result.rows if r.features not in (TRAINED, OWN, RANDOM, PIXELS))
    rows = [best([r for r in result.rows if r.features == name and r.metric == top.metric]) for name in others]
    return [f"{r.features} reaches {r.accuracy:.1%} at its best tap, {r.tap} ({METRIC[r.metric]})." for r in rows]


def _copies(result: Probe) -> Finding:
    count, of = result.duplicates, len(result.queries)
    if not count:
        text = f"None of the {of} queries is among the points, pixel for pixel."
        return Finding("representation/copies", "ok", "No copies", text)
    return Finding(
        "representation/copies",
        "warning",
        "Queries that are among the points",
        f"{count} of {of} queries are exact copies of points: their nearest neighbour is themselves, and every "
        "accuracy here is too kind.",
        measured={"copies": float(count)},
        remedy="Remove the copies from one of the two sets.",
    )


def _similar(result: Probe, name: Callable[[int], str], shown: int, seed: int) -> Finding:
    top = best([r for r in result.rows if r.features == TRAINED])
    rows = [top, *result.of(PIXELS, metric=top.metric)]
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(len(result.queries), generator=generator)[:shown].sort().values.tolist()
    what = " and ".join("the trained features" if r.features == TRAINED else "pixels" for r in rows)
    return Finding(
        "representation/similar_images",
        "info",
        "Most similar images",
        f"{len(chosen)} queries, drawn by the seed, with their {result.k} nearest images by {what}.",
        evidence=(similar_images(result.queries, result.points, rows, chosen, name),),
    )
