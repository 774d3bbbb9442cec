"""What attacks through a tanh came to, in the words of the exam's question."""

import math
from dataclasses import dataclass
from itertools import pairwise

from snellen.findings.evidence import Curve, Table
from snellen.findings.finding import Finding

WAYS = {"output": "through the output", "scores": "through what goes into the tanh"}


@dataclass(frozen=True)
class Reached:
    """What one rate reached through one of the two: in all, and in each group of images by |z|.

    Attributes:
        rate: the learning rate.
        through: ``output`` or ``scores``.
        share: of the images whose output moved.
        median: their median distance, L2.
        shares: by group.
    """

    rate: float
    through: str
    share: float
    median: float | None
    shares: tuple[float, ...]


@dataclass(frozen=True)
class Saturated:
    """All rates, and the groups of images.

    Attributes:
        reached: two entries a rate: through the output, then through the scores.
        counts: images a group.
        slopes: median slope of the tanh a group, 1 - tanh(z)^2.
        edges: of the groups, |z|.
        error: root mean square error of the regression on the held-out images.
        images, by, budget, steps: what was attacked and how.
    """

    reached: tuple[Reached, ...]
    counts: tuple[int, ...]
    slopes: tuple[float | None, ...]
    edges: tuple[float, ...]
    error: float
    images: int
    by: float
    budget: float
    steps: int

    def at(self, rate: float, through: str) -> Reached:
        """The entry of one rate."""
        return next(r for r in self.reached if (r.rate, r.through) == (rate, through))

    @property
    def rates(self) -> tuple[float, ...]:
        """In their order."""
        return tuple(dict.fromkeys(r.rate for r in self.reached))

    @property
    def widest(self) -> float:
        """The rate at which the two differ most."""
        return max(self.rates, key=lambda rate: self.at(rate, "scores").share - self.at(rate, "output").share)


def findings(found: Saturated) -> tuple[Finding, ...]:
    """One finding: the vanishing slope, what it costs at each rate, and what other rates cost instead."""
    rate = found.widest
    output, scores = found.at(rate, "output"), found.at(rate, "scores")
    last = len(found.counts) - 1
    slope = found.slopes[last]
    flat = f" (median slope {slope:.2g})" if slope is not None else ""
    return (
        Finding(
            "study/through_tanh",
            "info",
            "Through the output the slope vanishes where the tanh is flat",
            "d tanh(z)/dz = 1 - tanh(z)^2 multiplies every gradient that goes through the output. With a learning rate "
            f"of {rate:g}, {found.steps} steps move {output.share:.1%} of {found.images} outputs by more than "
            f"{found.by:g}, and {scores.share:.1%} through what goes into the tanh; of the {found.counts[last]} "
            f"images with |z| of at least {found.edges[last]:g}{flat} {output.shares[last]:.1%} and "
            f"{scores.shares[last]:.1%}.",
            measured={
                **{
                    f"{'moved' if way == 'output' else 'scores_moved'}_at_{rate:g}".replace(".", "_"): found.at(
                        rate, way
                    ).share
                    for rate in found.rates
                    for way in WAYS
                },
                **{
                    f"{'distance' if way == 'output' else 'scores_distance'}_at_{rate:g}".replace(".", "_"): value
                    for rate in found.rates
                    for way in WAYS
                    if (value := found.at(rate, way).median) is not None
                },
                "through_output": output.share,
                "through_scores": scores.share,
                "saturated_through_output": output.shares[last],
                "saturated_through_scores": scores.shares[last],
                "rate": rate,
                "saturated_images": float(found.counts[last]),
                "regression_error": found.error,
                **({"saturated_slope": slope} if slope is not None else {}),
            },
            headlines=("through_output", "through_scores"),
            remedy="Differentiate the input of the tanh and judge by its output; or take steps whose length does not "
            "depend on the slope (its sign, or its direction), which fails only where the slope is exactly 0.",
            evidence=(_curve(found), _rates(found), _groups(found)),
            reference="IN5400 exam 2021, exercise 6b; Carlini and Wagner 2017, arXiv:1608.04644",
        ),
    )


def _curve(found: Saturated) -> Curve:
    series = {
        words: (
            tuple(math.log10(rate) for rate in found.rates),
            tuple(found.at(rate, way).share for rate in found.rates),
        )
        for way, words in WAYS.items()
    }
    return Curve("Outputs that moved, by learning rate", "log10 of the learning rate", "share", series)


def _rates(found: Saturated) -> Table:
    rows = tuple(
        (rate, *(value for way in WAYS for value in (found.at(rate, way).share, found.at(rate, way).median)))
        for rate in found.rates
    )
    columns = ("rate", *(word for words in WAYS.values() for word in (f"moved {words}", "median L2")))
    note = "A larger rate moves the flat ones too, and throws the others further than they need: see the distances."
    return Table("Every rate", columns, rows, note=note)


def _groups(found: Saturated) -> Table:
    rate = found.widest
    rows = []
    for i, (low, high) in enumerate(pairwise(found.edges)):
        name = f"{low:g} to {high:g}" if math.isfinite(high) else f"{low:g} and more"
        moved = (found.at(rate, way).shares[i] if found.counts[i] else None for way in WAYS)
        rows.append((name, found.counts[i], found.slopes[i], *moved))
    columns = ("|z|", "images", "median slope of the tanh", *(f"moved {words}" for words in WAYS.values()))
    return Table(f"By what goes into the tanh, at a rate of {rate:g}", columns, tuple(rows))
