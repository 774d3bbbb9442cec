"""What the study of the cross-entropy found, question by question."""

import math

import numpy as np

from snellen.findings.evidence import Cell, Curve, Table
from snellen.findings.finding import Finding
from snellen.instruments.losses.minimum import PENALTIES, Penalty, objective
from snellen.studies._regularised import Least, Regularised, best

EXAM = "FYS-3033 home exam 2022, problem "
CLOSED = {
    ("none", True): "1",
    ("l2", True): "(1 + √5)/4",
    ("l1", True): "1",
    ("none", False): "none: falls for ever",
    ("l2", False): "1/√2",
    ("l1", False): "1",
}
"""z₀ in words; the tests compute each."""
WORDS: dict[Penalty, str] = {"none": "CE", "l2": "CE + ‖z‖₂²", "l1": "CE + ‖z‖₁"}
AGREE = 1e-5
"""The formula and the search may differ by so much; searches end on a flat bottom."""
LEVEL = 200


def findings(result: Regularised) -> tuple[Finding, ...]:
    """In the order of the exam."""
    return (_term(), _unbounded(result), _operations(result), _minima(result), _confidence(result), _digits(result))


def _term() -> Finding:
    z = (0.8, 0.2)
    rows = tuple((f"{i}", int(i == 0), p, math.log(p), -(i == 0) * math.log(p) + 0.0) for i, p in enumerate(z))
    return Finding(
        "study/one_term",
        "info",
        "One logarithm is left",
        "CE(z; y) = −Σ yᵢ ln zᵢ. A one-hot y is 1 at its class c and 0 elsewhere, and 0 ln 0 counts as 0, so all terms "
        f"but one are 0 and CE(z; y) = −ln z_c. For z = (0.8, 0.2) and y = (1, 0) it is −ln 0.8 = {-math.log(0.8):.4f} "
        "nats. The other outputs enter only through the sum 1.",
        measured={"example_nats": -math.log(z[0])},
        evidence=(Table("The terms of z = (0.8, 0.2), y = (1, 0)", ("i", "y", "z", "ln z", "−y ln z"), rows),),
        reference=f"{EXAM}1a",
    )


def _unbounded(result: Regularised) -> Finding:
    rows = tuple(
        (f"({a:g}, {b:g})", a + b, 0.0 - math.log(a), int(b > a), "a value below 0" if b < 0 else f"the sum {a + b:g}")
        for (a, b), _ in result.refusals
    )
    return Finding(
        "study/not_stochastic",
        "info",
        "Without the sum 1 the loss has no lower bound",
        "If z is not stochastic, −ln z₀ falls below 0 and for ever as z₀ grows: ten times the vector costs 2.303 nats "
        "less and answers the same. The slope −1/z₀ is nowhere 0, so training never ends and only scales up. The other "
        "output gets no slope at all, since it was held down by the sum alone: (1, 1000) has loss 0 and answers the "
        f"wrong class. For z₀ ≤ 0 there is no value. Such vectors are refused: “{result.refusals[0][1]}”",
        measured={"tenfold_nats": math.log(10)},
        evidence=(
            Table(
                "Vectors with the label (1, 0)",
                ("z", "sum", "−ln z₀", "answers class", "refused for"),
                rows,
            ),
        ),
        reference=f"{EXAM}1b",
    )


def _operations(result: Regularised) -> Finding:
    n = result.samples
    rows = tuple((s.way, s.operations, s.operations / n, s.value) for s in result.sums)
    by = {s.way: s for s in result.sums}
    loop, line = by["plain loop with an index"], by["one line of Python"]
    product = by["logarithm of the product"]
    return Finding(
        "study/operations",
        "info" if loop.operations == line.operations == 2 * n else "error",
        "Two operations a sample",
        f"The plain loop took {loop.operations} operations for {n} samples and the one line {line.operations}: a "
        "logarithm and a subtraction (an addition) each, "
        "by using y₁ of a one-hot label as the index of its class, so that nothing is tested or multiplied by 0. "
        f"The logarithm of the product would take {product.operations}, but {result.vanishes:,} samples of probability "
        "1/2 have a product of exactly 0 in floating point, and its logarithm is infinite.",
        measured={"samples": n, "loop_operations": loop.operations, "one_line_operations": line.operations}
        | {"definition_operations": by["definition, written out"].operations}
        | {"branch_operations": by["one logarithm, by a test"].operations}
        | {"product_operations": product.operations, "product_vanishes_at": result.vanishes},
        evidence=(
            Table(
                f"The cross-entropy of the same {n} samples",
                ("way", "operations", "a sample", "nats"),
                rows,
                note="Counted while they ran, on numbers that count. A logarithm, a sum, a difference, a product, a "
                "sign and a test are one operation each; taking a coordinate is none.",
            ),
        ),
        reference=f"{EXAM}1c",
    )


def _minima(result: Regularised) -> Finding:
    rows = tuple(_minimum_row(least) for least in result.least)
    worst = max((x.difference for x in result.least if x.difference is not None), default=0.0)
    measured: dict[str, float] = {}
    for least in result.least:
        where = "stochastic" if least.stochastic else "free"
        z = least.formula.z or (math.inf, math.nan)
        measured |= {f"z0_{where}_{least.penalty}": z[0], f"value_{where}_{least.penalty}": least.formula.value}
        if least.penalty == "l2":
            measured[f"z1_{where}_l2"] = z[1]
    x = np.linspace(0.03, 1.0, LEVEL)
    wide = np.linspace(0.06, 3.0, LEVEL)
    l2 = result.of("l2", stochastic=True).formula.z
    assert l2 is not None
    return Finding(
        "study/argmin",
        "info" if worst < AGREE else "error",
        "Where each loss is least",
        "On stochastic vectors z₀ is 1 without a penalty, (1 + √5)/4 = "
        f"{l2[0]:.4f} with ‖z‖₂², and 1 with ‖z‖₁, which is the constant 1 there. On free vectors there is no minimum "
        f"without a penalty; with ‖z‖₂² it is (1/√2, 0) and with ‖z‖₁ it is (1, 0). A search that knows no formula "
        f"agrees within {_ceiling(worst)}.",
        measured=measured,
        headlines=("z0_stochastic_l2", "z0_free_l2", "z0_free_l1"),
        evidence=(
            Table(
                "Closed form and search",
                ("loss", "z", "closed form of z₀", "z₀", "z₁", "loss there", "z₀ by search"),
                rows,
            ),
            Curve(
                "Stochastic z = (z₀, 1 − z₀)",
                "z₀, the output for the true class",
                "loss in nats",
                {WORDS[p]: _line(x, objective(np.stack([x, 1 - x], 1), p)) for p in PENALTIES},
                marks={"least with ‖z‖₂²": l2[0]},
                note="‖z‖₁ only lifts the line of CE by 1. Both have their least value at the right end, at 1.",
            ),
            Curve(
                "Free z = (z₀, 0)",
                "z₀, the output for the true class",
                "loss in nats",
                {WORDS[p]: _line(wide, objective(np.stack([wide, 0 * wide], 1), p)) for p in PENALTIES},
                marks={"least with ‖z‖₂²": 1 / math.sqrt(2)},
                note="z₁ enters only through the penalty, so it is 0 at each minimum. With ‖z‖₁ that is at z₀ = 1; "
                "CE alone goes on falling.",
            ),
            _plane(result, l2),
        ),
        reference=f"{EXAM}1d",
    )


def _minimum_row(least: Least) -> tuple[Cell, ...]:
    where = "stochastic" if least.stochastic else "free"
    found, search = least.formula, least.search
    z = found.z or (None, None)
    return (
        WORDS[least.penalty],
        where,
        CLOSED[least.penalty, least.stochastic],
        z[0],
        z[1],
        found.value if found.z else "−∞",
        search.z[0] if search.z else "none",
    )


def _plane(result: Regularised, l2: tuple[float, ...]) -> Curve:
    level = result.of("l2", stochastic=True).formula.value
    free = result.of("l2", stochastic=False).formula.z
    assert free is not None
    z0 = free[0] + (np.linspace(-1, 1, 4_001) * 0.4)
    room = level + np.log(z0) - z0**2
    z0, z1 = z0[room >= 0], np.sqrt(room[room >= 0])
    step = max(len(z0) // LEVEL, 1)
    z0, z1 = np.append(z0[:-1:step], z0[-1]), np.append(z1[:-1:step], z1[-1])
    ramp = np.linspace(0, 1, 20)
    return Curve(
        "The plane of z",
        "z₀",
        "z₁",
        {
            "stochastic vectors": _line(ramp, 1 - ramp),
            f"CE + ‖z‖₂² = {level:.3f}": _line(np.concatenate([z0, z0[::-1]]), np.concatenate([z1, -z1[::-1]])),
            f"least, stochastic, ‖z‖₂²: ({l2[0]:.3f}, {l2[1]:.3f})": ((l2[0],), (l2[1],)),
            f"least, free, ‖z‖₂²: ({free[0]:.3f}, 0)": ((free[0],), (0.0,)),
            "least, all with ‖z‖₁ or none: (1, 0)": ((1.0,), (0.0,)),
        },
        note="The line of equal loss touches the stochastic vectors where the constrained minimum is; the free one is "
        "inside.",
    )


def _confidence(result: Regularised) -> Finding:
    steps = len(result.paths["none"]) - 1
    at = np.unique(np.geomspace(1, steps, 120).round().astype(int))
    last = {p: float(result.paths[p][-1]) for p in PENALTIES}
    strengths = np.geomspace(0.1, 30, LEVEL)
    l2 = result.of("l2", stochastic=True).formula.z
    assert l2 is not None
    gap = math.log(l2[0] / l2[1])
    caps = {f"{k:,} classes": np.array([best(s, classes=k) for s in strengths]) for k in (2, 10, 1000)}
    table = tuple((s, *(best(s, classes=k) for k in (2, 10, 1000))) for s in (0.5, 1.0, 2.0, 5.0, 10.0))
    return Finding(
        "study/confidence",
        "info",
        "‖z‖₂² on the output is a cap on confidence; ‖z‖₁ is nothing",
        "Without a penalty the best output is 1, which a softmax reaches only with infinite logits: the loss keeps "
        f"paying for more confidence on what is already right ({last['none']:.5f} after {steps:,} steps and rising). "
        f"‖p‖₂² stops it at {l2[0]:.4f} for two classes: a finite gap of {gap:.4f} between the logits. It acts like "
        f"label smoothing with {1 - l2[0]:.4f} taken from the label, but the cap depends on the number of classes. Up "
        "to a strength of 1/2 it caps nothing, for any number of classes. ‖p‖₁ of a softmax is 1 whatever it says, so "
        "it has no slope and changes nothing: l1 makes weights sparse, not probabilities. On free vectors either "
        "penalty gives the loss a lower bound, "
        "but the minimum is no probability: (0.707, 0) sums to 0.707, and (1, 0) sums to 1 only because the strength "
        "is 1. A penalty does not replace the softmax.",
        measured={f"after_steps_{p}": last[p] for p in PENALTIES} | {"steps": steps, "logit_gap_l2": gap},
        evidence=(
            Curve(
                "Gradient descent on the logits of one sample",
                "steps, as powers of 10",
                "probability of the true class",
                {WORDS[p].replace("z", "p"): _line(np.log10(at), result.paths[p][at]) for p in PENALTIES},
                note="CE and CE + ‖p‖₁ are the same line.",
            ),
            Curve(
                "The best probability of the true class",
                "strength of ‖p‖₂², as powers of 10",
                "probability at the minimum",
                {name: _line(np.log10(strengths), cap) for name, cap in caps.items()},
                marks={"strength 1/2:": math.log10(0.5)},
                note="1 up to a strength of 1/2 (−0.301 on this axis), then down to 1/k.",
            ),
            Table("The same in numbers", ("strength", "2 classes", "10 classes", "1,000 classes"), table),
        ),
        reference=f"{EXAM}1e; Pereyra et al. 2017, arXiv:1701.06548; Szegedy et al. 2016, arXiv:1512.00567 (label "
        "smoothing).",
    )


def _digits(result: Regularised) -> Finding:
    rows: list[tuple[float, ...]] = []
    measured: dict[str, float] = {}
    for t in result.trained:
        low, middle, high = (float(np.quantile(t.said, q)) for q in (0.05, 0.5, 0.95))
        rows.append((t.strength, t.best, low, middle, high, t.held_out))
        name = f"{t.strength:g}".replace(".", "_")
        measured |= {f"cap_{name}": t.best, f"median_{name}": middle, f"held_out_{name}": t.held_out}
    said = "; ".join(f"{s:g}: {b:.3f} and {m:.3f}" for s, b, _, m, _, _ in rows)
    bins = np.linspace(0, 1, 51)
    return Finding(
        "study/on_digits",
        "info",
        "Networks say what the formula says",
        "Small networks learnt 1,297 digits with the penalty on their softmax. Strength: best probability by the "
        f"formula for 10 classes and the median of what the network says of the true class: {said}. On other digits "
        f"they are right {min(r[5] for r in rows):.1%} to {max(r[5] for r in rows):.1%} of the time: the cap takes "
        "confidence, not answers.",
        measured=measured,
        evidence=(
            Table(
                "By formula and by training",
                ("strength", "formula", "5 %", "median", "95 %", "right on 500 others"),
                tuple(rows),
                note="Quantiles of the probability of the true class over the training images. One network cannot "
                "give each image its own best value, hence the spread.",
            ),
            Curve(
                "What the networks say of the true class",
                "probability of the true class",
                "training images",
                {
                    f"strength {t.strength:g}": (
                        tuple(bins.tolist()),
                        tuple(float(c) for c in np.histogram(t.said, bins)[0]),
                    )
                    for t in result.trained
                    if t.strength in (0.0, 1.0, 2.0)
                },
                kind="histogram",
            ),
        ),
    )


def _line(x: object, y: object) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return tuple(np.asarray(x, dtype=float).tolist()), tuple(np.asarray(y, dtype=float).tolist())


def _ceiling(value: float) -> str:
    """A bound that reads the same wherever a search ends: the next power of ten."""
    return f"1e{math.ceil(math.log10(max(value, 1e-12)))}"
