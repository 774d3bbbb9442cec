"""What the study of capacity found: parameters, and the gap, paired by seed with the original's."""

import numpy as np

from snellen.findings.evidence import Curve, Table
from snellen.findings.finding import Finding
from snellen.studies._protocols import Mean
from snellen.studies._variants import Capacities, Variant

EXAM = "IN5400 exam 2021, exercise 13b; Zhang et al. 2017, arXiv:1611.03530."
BINS = 11
NAMES = {2: "one fewer", 3: "as in VGG", 4: "one more"}


def findings(result: Capacities) -> tuple[Finding, ...]:
    """In the order of the page."""
    return (_parameters(result), _gaps(result))


def _parameters(result: Capacities) -> Finding:
    few, original, more = (v.vgg16 for v in result.variants)
    rows = tuple((NAMES[v.layers], v.layers, v.vgg16, v.vgg16 / original - 1, v.parameters) for v in result.variants)
    return Finding(
        "study/parameters",
        "info",
        "What a fully-connected layer adds",
        f"A layer of 4,096 x 4,096 weights and its biases has {more - original:,} parameters. VGG-16 has "
        f"{original:,}; with the layer removed {few:,}, with one added before the scores {more:,}.",
        measured={f"vgg16_parameters_{v.layers}": float(v.vgg16) for v in result.variants}
        | {"layer_parameters": float(more - original)}
        | {f"parameters_{v.layers}": float(v.parameters) for v in result.variants},
        evidence=(
            Table(
                "Parameters",
                ("", "fully-connected layers", "VGG-16", "against VGG-16", "here"),
                rows,
                note="Here: the small networks that are trained below.",
            ),
        ),
        reference=EXAM,
    )


def _gaps(result: Capacities) -> Finding:
    original = result.variants[1]
    measured: dict[str, float] = {}
    for v in result.variants:
        measured |= {f"train_{v.layers}": float(v.taught.mean()), f"val_{v.layers}": float(v.held.mean())}
        measured |= _with_interval(f"gap_{v.layers}", Mean.of(v.gap))
        measured |= _with_interval(f"loss_gap_{v.layers}", Mean.of(v.loss_gap))
        if v is not original:
            measured |= _with_interval(f"gap_change_{v.layers}", Mean.of(v.gap - original.gap))
            measured |= _with_interval(f"loss_gap_change_{v.layers}", Mean.of(v.loss_gap - original.loss_gap))
    changes = [(v, Mean.of(v.gap - original.gap), Mean.of(v.loss_gap - original.loss_gap)) for v in result.variants]
    told = "; ".join(
        f"{NAMES[v.layers]}: accuracy gap {_points(gap)}, loss gap {loss.value:+.3f} nats ({loss.low:+.3f} to "
        f"{loss.high:+.3f})"
        for v, gap, loss in changes
        if v is not original
    )
    return Finding(
        "study/gaps",
        "info",
        _title([c for c in changes if c[0] is not original]),
        f"Against the original, paired over {len(original.gap)} seeds, {told}. In brackets: 95 % intervals of the "
        "mean, by Student's t.".replace("-", "−"),
        measured=measured,
        headlines=tuple(f"loss_gap_change_{v.layers}" for v in result.variants if v is not original),
        evidence=(_table(result), _histogram(result), _seeds(result)),
        reference=EXAM,
    )


def _title(changes: list[tuple[Variant, Mean, Mean]]) -> str:
    words = []
    for v, _, loss in changes:
        sure = "smaller loss gap" if loss.high < 0 else "larger loss gap" if loss.low > 0 else "no sure difference"
        words.append(f"{NAMES[v.layers]}: {sure}")
    text = "; ".join(words)
    return text[0].upper() + text[1:]


def _table(result: Capacities) -> Table:
    rows = []
    for v in result.variants:
        gap, loss = Mean.of(v.gap), Mean.of(v.loss_gap)
        rows.append(
            (
                NAMES[v.layers],
                *(float(v.taught.mean()), float(v.held.mean()), gap.value, gap.low, gap.high),
                *(float(v.taught_loss.mean()), float(v.held_loss.mean()), loss.value),
            )
        )
    return Table(
        "Training and validation, means over the seeds",
        ("", "train", "val", "gap", "low", "high", "train loss", "val loss", "loss gap"),
        tuple(rows),
        note="Accuracies, and losses in nats. Low and high: 95 % interval of the mean accuracy gap.",
    )


def _histogram(result: Capacities) -> Curve:
    original = result.variants[1]
    changes = {NAMES[v.layers]: v.loss_gap - original.loss_gap for v in result.variants if v is not original}
    edge = float(max(abs(np.concatenate([*changes.values()])).max(), 0.01))
    bins = np.linspace(-edge, edge, BINS + 1)
    return Curve(
        "Change of the loss gap against the original, one count a seed",
        "nats; to the right is more overfitting",
        "seeds",
        {
            name: (tuple(map(float, bins)), tuple(map(float, np.histogram(change, bins)[0])))
            for name, change in changes.items()
        },
        kind="histogram",
        marks={"as in VGG": 0.0},
    )


def _seeds(result: Capacities) -> Table:
    columns = ("seed", *(f"{what}, {NAMES[v.layers]}" for v in result.variants for what in ("val", "val loss")))
    rows = tuple(
        (i, *(float(x[i]) for v in result.variants for x in (v.held, v.held_loss)))
        for i in range(len(result.variants[0].held))
    )
    return Table("Every seed", columns, rows, shown=8)


def _with_interval(name: str, mean: Mean) -> dict[str, float]:
    return {name: mean.value, f"{name}_low": mean.low, f"{name}_high": mean.high}


def _points(mean: Mean) -> str:
    return f"{100 * mean.value:+.2f} points ({100 * mean.low:+.2f} to {100 * mean.high:+.2f})"
