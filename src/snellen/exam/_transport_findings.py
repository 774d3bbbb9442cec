"""What the distance of two samples and a critic came to, in words, tables and drawings."""

import numpy as np

from snellen.exam.critic_steps import critic_steps, number, vector
from snellen.findings.evidence import Curve, Evidence, Table
from snellen.findings.finding import Finding, Severity
from snellen.instruments.transport._points import Array
from snellen.instruments.transport.linear_critic import LinearCritic
from snellen.instruments.transport.lipschitz_lower import LowerBound
from snellen.instruments.transport.lipschitz_upper import UpperBound
from snellen.instruments.transport.wasserstein import Transport

DRAWN = 400
"""Points of a sample that are drawn, and moves."""
KANTOROVICH = "Kantorovich and Rubinstein 1958; Peyré and Cuturi 2019, arXiv:1803.00567"
STEPS = "Step by step"


def distance_finding(a: Array, b: Array, found: Transport) -> Finding:
    """W1, and why it is neither less nor more."""
    proof = found.certificate
    by = {"line": "sorting", "assignment": "an assignment", "linear program": "a linear program"}[found.method]
    return Finding(
        "transport/distance",
        "info",
        f"W1 = {number(found.distance)}",
        f"To turn A into B, mass moves by {number(found.distance)} on average in the cheapest plan, found by {by}. A "
        "function that is 1-Lipschitz on all points says as much, so no plan is cheaper: the two differ by "
        f"{abs(proof.gap):.1g}, and the function's steepest slope between two points is {proof.lipschitz:.6f}.".replace(
            "e-", "e−"
        ),
        measured={
            "w1": found.distance,
            "dual": proof.dual,
            "gap": proof.gap,
            "potential_lipschitz": proof.lipschitz,
            "points_a": float(len(a)),
            "points_b": float(len(b)),
        },
        headlines=("w1",),
        evidence=(*_drawn(a, b, found), _moves(a, b, found)),
        reference=KANTOROVICH,
    )


def within_finding(distance: float, within: float, count: int) -> Finding:
    """How much of the distance is there between two halves of one sample."""
    return Finding(
        "transport/within",
        "info",
        "What the distance of finite samples is where nothing differs",
        f"Two random halves of A, {count // 2:,} points each, have W1 = {number(within)} ({within / distance:.0%} of "
        "the distance to B). The distance of two finite samples is above that of their distributions; the more "
        "dimensions, the more."
        if distance > 0
        else f"Two random halves of A have W1 = {number(within)}; A and B are the same points.",
        measured={"w1_within_a": within},
        reference="Weed and Bach 2019, arXiv:1707.00087: about n^(-1/d) in d dimensions",
    )


def linear_finding(found: LinearCritic) -> Finding:
    """The verdict on f(x) = w·x, with every step."""
    severity: Severity = {"optimal": "ok", "not optimal": "warning", "not admissible": "error"}[found.verdict]  # type: ignore[assignment]
    remedy = ""
    if found.verdict == "not admissible":
        remedy = "Divide w by its length."
    elif found.verdict == "not optimal" and found.best.any() and found.value < found.best_value:
        remedy = f"Step along the gradient; the best linear critic is {vector(found.best)}."
    elif found.verdict == "not optimal":
        remedy = "Take a critic that is not linear."
    rows = tuple((i, what, how) for i, (what, how) in enumerate(critic_steps(found), 1))
    measured = {
        "critic_lipschitz": found.lipschitz,
        "critic_value": found.value,
        "shortfall": found.transport.distance - found.value,
        "best_linear_value": found.best_value,
    }
    if found.step is not None:
        step = found.step
        measured |= {
            "longest_step": step.longest,
            "step": step.size,
            "step_lipschitz": step.lipschitz,
            "step_value": step.value,
        }
    for name, values in (("w", found.weights), ("gradient", found.gradient), ("best", found.best)):
        measured |= {f"{name}_{i}": float(v) for i, v in enumerate(values[:4], 1)}
    return Finding(
        "transport/critic",
        severity,
        f"The critic w = {vector(found.weights)} is {found.verdict}",
        found.reason,
        measured=measured,
        headlines=("critic_lipschitz", "critic_value"),
        remedy=remedy,
        evidence=(Table(STEPS, ("", "what", "calculation"), rows),),
        reference="IN5400 exam 2021, exercise 12; Arjovsky, Chintala and Bottou 2017, arXiv:1701.07875",
    )


def network_finding(transport: Transport, lower: LowerBound, upper: UpperBound) -> Finding:
    """What a network says of the distance, and between which bounds its Lipschitz constant is."""
    w1, sure = transport.distance, lower.dual / upper.value if upper.value else 0.0
    steep = lower.value > 1 + 1e-6
    severity: Severity = "error" if steep else "ok" if upper.value <= 1 + 1e-6 else "warning"
    told = {
        "error": f"It is at least {lower.value:.4g} steep, so it is not 1-Lipschitz and its value bounds nothing.",
        "ok": "It is 1-Lipschitz, so its value is at most W1.",
        "warning": "Whether it is 1-Lipschitz is open: no steeper place was seen, but the bound is above 1.",
    }[severity]
    rows = tuple((layer.name, layer.kind, layer.slope.bound, layer.slope.how, layer.so_far) for layer in upper.layers)
    return Finding(
        "transport/critic",
        severity,
        f"The critic says {number(lower.dual)} of W1 = {number(w1)}",
        f"Mean score of A less that of B is {number(lower.dual)}. Its Lipschitz constant is between {lower.value:.4g} "
        f"(the steepest of {lower.places:,} places, {_where(lower)}) and {upper.value:.4g} (its layers' norms, "
        "multiplied). "
        f"{told} Divided by the bound from above it is sure: W1 is at least {number(max(sure, 0.0))}, and it is "
        f"{number(w1)}.",
        measured={
            "critic_value": lower.dual,
            "lipschitz_low": lower.value,
            "lipschitz_high": upper.value,
            "median_slope": lower.median,
            "sure_value": max(sure, 0.0),
        },
        headlines=("critic_value",),
        remedy="Divide the scores by the Lipschitz constant, or train with a gradient penalty over all axes."
        if steep
        else "",
        evidence=(Table("The bound from above, layer by layer", _COLUMNS, rows),),
        reference="Sedghi, Gupta and Long 2019, arXiv:1805.10408; Korotin et al. 2022, Kantorovich strikes back!",
    )


_COLUMNS = ("layer", "kind", "stretches by at most", "found by", "from the input to here")


def _where(lower: LowerBound) -> str:
    return {"between": "on a line between the samples", "pair": "from one sample to another"}.get(
        lower.where, f"at a sample of {lower.where}"
    )


def _drawn(a: Array, b: Array, found: Transport) -> tuple[Evidence, ...]:
    if a.shape[1] == 1:
        series = {name: _steps(x[:, 0]) for name, x in (("A", a), ("B", b))}
        note = "W1 is the area between the two."
        return (Curve("Distribution functions", "place", "share at or below it", series, note=note),)
    if a.shape[1] != 2:
        return ()
    few = min(DRAWN, found.plan.nnz)
    starts, ends = a[found.plan.row[:few]], b[found.plan.col[:few]]
    gap = np.full(few, np.nan)
    lines = tuple(tuple(np.stack([starts[:, i], ends[:, i], gap], 1).ravel().tolist()) for i in (0, 1))
    series = {name: (tuple(x[:DRAWN, 0].tolist()), tuple(x[:DRAWN, 1].tolist())) for name, x in (("A", a), ("B", b))}
    note = "" if max(len(a), len(b), found.plan.nnz) <= DRAWN else f"The first {DRAWN} points and moves are drawn."
    every = {**series, "the cheapest plan": (lines[0], lines[1])}
    return (Curve("The two samples and the plan", "first coordinate", "second coordinate", every, "points", note=note),)


def _steps(values: Array) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """A distribution function as the corners of its steps; of many values the quantiles."""
    places = np.sort(values) if len(values) <= DRAWN else np.quantile(values, np.linspace(0, 1, DRAWN))
    up = np.arange(1, len(places) + 1) / len(places)
    x, y = np.repeat(places, 2), np.stack([np.concatenate([[0.0], up[:-1]]), up], 1).ravel()
    return tuple(x.tolist()), tuple(y.tolist())


def _moves(a: Array, b: Array, found: Transport) -> Table:
    """The moves of most cost."""
    plan = found.plan
    far = np.linalg.norm(a[plan.row] - b[plan.col], axis=1)
    order = np.argsort(-far * plan.data, kind="stable")[:DRAWN]
    rows = tuple((vector(a[plan.row[i]]), vector(b[plan.col[i]]), float(plan.data[i]), float(far[i])) for i in order)
    return Table(
        "The moves that cost most",
        ("from A", "to B", "mass", "distance"),
        rows,
        shown=10,
        note=f"{plan.nnz:,} move{'s' * (plan.nnz > 1)} in all.",
    )
