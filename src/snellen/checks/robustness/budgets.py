"""How many images does the network still get right within a budget?"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch

from snellen._errors import ImagesError, UsageError, unknown
from snellen.checks._base import Check, Progress, Subject
from snellen.checks.robustness._attacked import shown_distance, unit
from snellen.findings.evidence import Curve as Chart
from snellen.findings.evidence import Table
from snellen.findings.finding import Finding
from snellen.findings.interval import wilson
from snellen.instruments.attacks._base import Attack
from snellen.instruments.attacks._curve import Curve
from snellen.instruments.attacks._curve import curve as curve_of
from snellen.instruments.attacks._named import named_attack
from snellen.instruments.attacks._norms import Norm

LADDERS: Mapping[str, tuple[float, ...]] = {
    "linf": tuple(k / 255 for k in (1, 2, 3, 4, 6, 8, 12, 16)),
    "l2": (0.125, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0),
}
"""Budgets where none are given."""


@dataclass(frozen=True)
class Budgets(Check):
    """Robust accuracy within several budgets by one attack, with 95 % Wilson intervals: an upper bound.

    Another attack may find what this one did not; where slopes are masked it certainly may (robustness/masking).

    Args:
        method: name of an attack with a budget.
        norm: linf or l2.
        images: at most this many, as in the images at large: drawn by the seed, mistakes in proportion.
        steps: of the attack.
        batch_size: images per pass.
    """

    method: str = "pgd"
    norm: str = "linf"
    images: int = 50
    steps: int = 10
    batch_size: int = 32
    metrics: ClassVar[Mapping[str, str]] = {
        f"robust_accuracy_{round(255 * eps)}": f"accuracy within {round(255 * eps)} levels of 255, an upper bound"
        for eps in LADDERS["linf"]
    }

    def __post_init__(self) -> None:
        if self.norm not in LADDERS:
            raise unknown("norm", self.norm, LADDERS)
        if min(self.images, self.steps, self.batch_size) < 1:
            raise UsageError(f"images, steps and batch_size must be at least 1, got {self}")
        self._attack()

    def _attack(self) -> Attack:
        return named_attack(self.method, norm=self.norm, eps=f"{LADDERS[self.norm][-1]}", steps=self.steps)[0]

    def __call__(self, subject: Subject) -> Sequence[Finding]:
        p = subject.predictions
        known = p.labelled.nonzero()[:, 0]
        if len(known) == 0:
            raise ImagesError("robust accuracy needs labels, and the images have none")
        order = torch.randperm(len(known), generator=torch.Generator().manual_seed(subject.seed))
        rows = known[order[: self.images]].sort().values
        attack = self._attack()
        found = curve_of(
            attack,
            subject.network,
            subject.pixels(rows),
            p.labels[rows],
            eps=LADDERS[self.norm],
            seed=subject.seed,
            batch_size=self.batch_size,
            progress=staged(subject.progress, "attacks"),
        )
        return [curve_finding(found, attack.norm, self.method, check="robustness/budgets")]


def staged(progress: Progress, stage: str) -> Callable[[int, int], None]:
    """The progress of one stage."""
    return lambda done, total: progress(stage, done, total)


def curve_finding(found: Curve, norm: Norm, method: str, *, check: str) -> Finding:
    """What the curve says, with its intervals."""
    count = len(found.smallest)
    before = int((found.smallest > 0).sum())
    shares = [(0.0, before), *zip(found.eps, found.robust, strict=True)]
    rows = []
    for eps, standing in shares:
        low, high = wilson(standing, count)
        rows.append((shown_distance(norm, eps), standing, standing / count, low, high))
    half = next((eps for eps, standing in shares if 2 * standing <= before), None)
    words = method.replace("_", " ")
    falls = (
        f"half of the right answers are gone within {shown_distance(norm, half):g} ({unit(norm)})"
        if half is not None
        else f"more than half of the right answers stand within {rows[-1][0]:g} ({unit(norm)})"
    )
    measured = {f"robust_accuracy_{row[0]:g}": float(row[2]) for row in rows[1:] if norm.name == "linf"}
    return Finding(
        check,
        "info",
        "Robust accuracy by budget",
        f"Of {count} images {before} are answered rightly; attacked by {words}, {falls}. Each number is an upper "
        "bound: another attack may find more.",
        measured=measured,
        evidence=(
            Chart(
                "Robust accuracy",
                f"budget ({unit(norm)})",
                "share of the images",
                {
                    words: (tuple(float(r[0]) for r in rows), tuple(float(r[2]) for r in rows)),
                    "95 % interval, lower": (tuple(float(r[0]) for r in rows), tuple(float(r[3]) for r in rows)),
                    "95 % interval, upper": (tuple(float(r[0]) for r in rows), tuple(float(r[4]) for r in rows)),
                },
            ),
            Table("Every budget", (f"budget ({unit(norm)})", "right", "share", "lower", "upper"), tuple(rows)),
        ),
        reference="Madry et al. 2018, arXiv:1706.06083; Carlini et al. 2019, arXiv:1902.06705",
    )
