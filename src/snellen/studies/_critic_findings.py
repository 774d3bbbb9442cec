"""What critics said of a distance that is 1, and when a critic may be believed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from snellen.findings.evidence import Curve, Table
from snellen.findings.finding import Finding
from snellen.studies._protocols import Mean

Array = NDArray[np.float64]
LOW, NEAR = 2, 0.1
ROUNDING = 1e-6
KOROTIN = (
    "Korotin, Kolesov and Burnaev 2022, Kantorovich strikes back!, arXiv:2206.07767; Stanczuk et al. 2021, Wasserstein "
    "GANs work because they fail, arXiv:2103.01678."
)


@dataclass(frozen=True, eq=False)
class Asked:
    """One dimension; every array is (seeds,), and the distance of the distributions is 1.

    Attributes:
        dimension: of the points.
        translated: said of N(c, I) against N(0, I), on fresh points.
        slope: the steepest place of that critic that was seen.
        bound: its Lipschitz constant from above.
        outwards: said of points pushed outwards, on fresh points.
        own: said by a critic trained on few points, of these points.
        own_fresh: by the same, of fresh points.
        exact: W1 of these few points.
        same: W1 of as many points, twice from one distribution.
        clipped: said by a critic with clipped weights.
        clipped_scaled: the same over its steepest place that was seen.
    """

    dimension: int
    translated: Array
    slope: Array
    bound: Array
    outwards: Array
    own: Array
    own_fresh: Array
    exact: Array
    same: Array
    clipped: Array
    clipped_scaled: Array


@dataclass(frozen=True)
class Convolved:
    """A random convolution: its flattened norm, its operator norm, channels and side."""

    flattened: float
    norm: float
    channels: int
    side: int


@dataclass(frozen=True, eq=False)
class Judged:
    """What the study computed.

    Attributes:
        asked: by dimension.
        sides: said on a line by critics that begin as PyTorch draws them; 1 is right, below 0 is the wrong side.
        convolved: what spectral normalisation does not see.
        sample: points a side, where they are few.
        fresh: points a side that the rest was asked of.
        clip: bound of the clipped weights.
        strength: lambda of the penalty.
    """

    asked: tuple[Asked, ...]
    sides: tuple[float, ...]
    convolved: Convolved
    sample: int
    fresh: int
    clip: float
    strength: float


def findings(result: Judged) -> tuple[Finding, ...]:
    """In the order of the page."""
    return _translated(result), _dimensions(result), _clipped(result), _sides(result), _convolved(result)


def _translated(result: Judged) -> Finding:
    low = [row for row in result.asked if row.dimension <= LOW] or list(result.asked[:1])
    worst = max(float(abs(row.translated.mean() - 1)) for row in low)
    measured = {"worst_error_in_low_dimension": worst, "expected_slope": 1 + 0.5 / result.strength}
    for row in result.asked:
        measured |= _mean(f"translated_{row.dimension}", row.translated)
        measured |= {f"{n}_{row.dimension}": float(getattr(row, n).mean()) for n in ("slope", "bound")}
    rows = tuple(
        (row.dimension, *_three(row.translated), float(row.slope.mean()), float(row.bound.mean()))
        for row in result.asked
    )
    return Finding(
        "study/critic",
        "ok" if worst <= NEAR else "warning",
        "Translated Gaussians: the easy case",
        f"W1 is 1. In at most {LOW} dimensions the critics with a gradient penalty are off by {worst:.1%} at most, in "
        f"the mean over {len(low[0].translated)} seeds. A penalty is no constraint: a linear critic pays λ (K − 1)² "
        f"and gains K, so it stops at K = 1 + 1/(2 λ) = {1 + 0.5 / result.strength:.3f}. The steepest places that were "
        f"seen have slopes of {_range([row.slope for row in result.asked])} by dimension, and the norms of the layers "
        f"bound the slope by {_range([row.bound for row in result.asked])}.",
        measured=measured,
        headlines=("worst_error_in_low_dimension",),
        evidence=(
            Table(
                "Critics with a gradient penalty, points drawn anew at every step",
                ("dimensions", "said", "low", "high", "steepest seen", "bound from above"),
                rows,
                note=f"Said of {result.fresh:,} fresh points a side, mean over the seeds with its 95 % interval by "
                "Student's t.",
            ),
        ),
        reference="Gulrajani et al. 2017, arXiv:1704.00028",
    )


def _dimensions(result: Judged) -> Finding:
    last = result.asked[-1]
    measured: dict[str, float] = {}
    for row in result.asked:
        for name in ("outwards", "own", "own_fresh", "exact", "same"):
            measured |= _mean(f"{name}_{row.dimension}", getattr(row, name))
    lines = {
        "translated, fresh points": "translated",
        "pushed outwards, fresh points": "outwards",
        "few points, on themselves": "own",
        "the same, on fresh points": "own_fresh",
    }
    x = tuple(float(np.log2(row.dimension)) for row in result.asked)
    series = {
        words: (x, tuple(float(getattr(row, name).mean()) for row in result.asked)) for words, name in lines.items()
    }
    truth = {"W1 of the distributions": (x, (1.0,) * len(x))}
    rows = tuple(
        (
            row.dimension,
            *(float(getattr(row, n).mean()) for n in ("translated", "outwards", "own", "own_fresh", "exact", "same")),
        )
        for row in result.asked
    )
    return Finding(
        "study/dimensions",
        "warning" if abs(float(last.outwards.mean()) - 1) > NEAR else "info",
        "Why a critic's value must not be believed in high dimension",
        f"W1 is 1 in all of these. In {last.dimension} dimensions critics say {last.outwards.mean():.2f} of points "
        f"pushed outwards. Trained on {result.sample} points a side of the translated Gaussians they say "
        f"{last.own.mean():.2f} of these points, whose own W1 is {last.exact.mean():.2f}, and "
        f"{last.own_fresh.mean():.2f} of fresh ones. And the exact W1 of {result.sample} points a side is "
        f"{last.same.mean():.2f} where both come from one distribution. The value says how far the training came, and "
        "how few the points are.",
        measured=measured,
        headlines=(f"outwards_{last.dimension}", f"own_{last.dimension}", f"exact_{last.dimension}"),
        remedy="Read the value as a training signal. For a distance: project to a few dimensions and solve exactly, or "
        "compare with the distance between two halves of one sample.",
        evidence=(
            Curve("What critics say of a distance of 1", "log2 of the dimensions", "said", {**truth, **series}),
            Table(
                "By dimension, means over the seeds",
                ("dimensions", "translated", "outwards", "few, own", "few, fresh", "W1, few", "W1, same"),
                rows,
                note=f"Said of fresh points; by critics of {result.sample} points a side of their own points and of "
                "fresh ones. W1: exact, of these points, and of as many from one and the same distribution.",
            ),
            _every(result),
        ),
        reference=KOROTIN,
    )


SEEDS = ("translated", "outwards", "own", "own_fresh", "exact", "same", "clipped")


def _every(result: Judged) -> Table:
    rows = tuple(
        (row.dimension, seed, *(float(getattr(row, name)[seed]) for name in SEEDS))
        for row in result.asked
        for seed in range(len(row.translated))
    )
    return Table("Every seed", ("dimensions", "seed", *(name.replace("_", ", ") for name in SEEDS)), rows, shown=6)


def _clipped(result: Judged) -> Finding:
    most = max(float(row.clipped.mean()) for row in result.asked)
    scaled = max(float(row.clipped_scaled.mean()) for row in result.asked)
    measured: dict[str, float] = {"clipped_most": most, "clipped_scaled_most": scaled}
    for row in result.asked:
        measured |= _mean(f"clipped_{row.dimension}", row.clipped)
        measured |= _mean(f"clipped_scaled_{row.dimension}", row.clipped_scaled)
    rows = tuple((row.dimension, float(row.clipped.mean()), *_three(row.clipped_scaled)) for row in result.asked)
    return Finding(
        "study/clipping",
        "info",
        "Clipped weights under-estimate",
        f"With weights in [−{result.clip:g}, {result.clip:g}] critics say at most {most:.2g} of a distance of 1: their "
        "Lipschitz constant is whatever the box allows. Divided by the steepest slope that was seen they say at most "
        f"{scaled:.2f}, because they are not equally steep along every move.",
        measured=measured,
        headlines=("clipped_scaled_most",),
        remedy="Take a gradient penalty, or divide by the Lipschitz constant and know that it is too little.",
        evidence=(Table("Clipped weights", ("dimensions", "said", "over the steepest seen", "low", "high"), rows),),
        reference="Arjovsky, Chintala and Bottou 2017, arXiv:1701.07875; Gulrajani et al. 2017, section 3",
    )


def _sides(result: Judged) -> Finding:
    wrong = sum(value < 0 for value in result.sides)
    return Finding(
        "study/wrong_side",
        "info",
        "A two-sided penalty can hold a critic on the wrong side",
        f"On a line {wrong} of {len(result.sides)} critics that begin as PyTorch draws them end with a value below 0: "
        "their slope began with the wrong sign, and to turn it the slope would have to pass 0, where the penalty is "
        "largest. The other critics of this page begin with a last layer of zeros.",
        measured={"wrong_side": float(wrong), "starts": float(len(result.sides))},
        evidence=(Table("Every start", ("start", "said"), tuple(enumerate(result.sides))),),
        remedy="Begin with a last layer of zeros, or punish only slopes above 1.",
        reference="Petzka, Fischer and Lukovnikov 2018, On the regularization of Wasserstein GANs, arXiv:1709.08894",
    )


def _convolved(result: Judged) -> Finding:
    found = result.convolved
    return Finding(
        "study/spectral_norm",
        "warning" if found.norm > (1 + ROUNDING) * found.flattened else "info",
        "A convolution of spectral norm 1 is not 1-Lipschitz",
        f"A random 3 x 3 convolution of {found.channels} channels: its flattened kernel, which spectral_norm makes 1, "
        f"has the norm {found.flattened:.3f}; the layer on a torus of {found.side} x {found.side} stretches by up to "
        f"{found.norm:.3f}, {found.norm / found.flattened:.2f} times as much. So may every such layer of a critic.",
        measured={
            "flattened_norm": found.flattened,
            "operator_norm": found.norm,
            "norm_ratio": found.norm / found.flattened,
        },
        headlines=("norm_ratio",),
        remedy="Bound the slope with snellen.instruments.transport.lipschitz_upper, which takes the operator norm.",
        reference="Sedghi, Gupta and Long 2019, arXiv:1805.10408; Miyato et al. 2018, arXiv:1802.05957",
    )


def _range(values: list[Array]) -> str:
    means = [float(value.mean()) for value in values]
    return f"{min(means):.2f} to {max(means):.2f}"


def _mean(name: str, values: Array) -> dict[str, float]:
    mean = Mean.of(values)
    return {name: mean.value, f"{name}_low": mean.low, f"{name}_high": mean.high}


def _three(values: Array) -> tuple[float, float, float]:
    mean = Mean.of(values)
    return mean.value, mean.low, mean.high
