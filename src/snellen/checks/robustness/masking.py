"""Is the network robust, or does it only hide its slope?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch

from snellen._errors import NotApplicable, UsageError
from snellen.checks._base import Check, Subject
from snellen.checks.robustness._attacked import shown_distance, unit
from snellen.findings.evidence import Cell, Curve, Table
from snellen.findings.finding import Finding
from snellen.instruments.attacks._budget import read_eps
from snellen.instruments.attacks._masking import QUANTILES, Masking, gradient_masking
from snellen.instruments.attacks._norms import Norm

WORDS = {
    "noise": "random noise of the budget",
    "square": "Square, without slopes",
    "scores": "APGD through the scores",
    "output": "APGD through the output",
    "unbounded": "FAB without a budget",
}


@dataclass(frozen=True)
class GradientMasking(Check):
    """Compares attacks with and without slopes, through the scores and through the output, and with larger budgets.

    A warning where an attack by slopes does worse than it must: then robust accuracies measured by slopes say nothing.

    Args:
        images: at most this many that are classified right.
        eps: the budget, Linf.
        steps: of the attacks by slopes.
        queries: of Square.
    """

    images: int = 24
    eps: str = "4/255"
    steps: int = 10
    queries: int = 100
    metrics: ClassVar[Mapping[str, str]] = {
        "masking_ratio": "success of APGD through the output over success through the scores; 1: nothing is hidden",
    }

    def __post_init__(self) -> None:
        if min(self.images, self.steps, self.queries) < 1:
            raise UsageError(f"images, steps and queries must be at least 1, got {self}")
        read_eps(self.eps)

    def __call__(self, subject: Subject) -> Sequence[Finding]:
        right = subject.predictions.correct.nonzero()[:, 0]
        if len(right) == 0:
            raise NotApplicable("masking is looked for on images that are classified right, and there are none")
        order = torch.randperm(len(right), generator=torch.Generator().manual_seed(subject.seed))
        rows = right[order[: self.images]].sort().values
        norm, _ = read_eps(self.eps)
        subject.progress("masking", 0, 1)
        found = gradient_masking(
            subject.network,
            subject.pixels(rows),
            subject.predictions.labels[rows],
            norm=norm,
            steps=self.steps,
            queries=self.queries,
            seed=subject.seed,
        )
        subject.progress("masking", 1, 1)
        return [masking_finding(found, norm, check="robustness/masking")]


def masking_finding(found: Masking, norm: Norm, *, check: str) -> Finding:
    """What was measured within a budget, and whether slopes can be believed."""
    ratio, said = found.ratio, f"Budget: {shown_distance(norm, norm.eps):g}, {unit(norm)}."
    measured = {} if ratio != ratio else {"masking_ratio": ratio}
    if found.masked:
        reasons = "; ".join(found.evidence)
        sentence = f"Over {found.images} images the slope must be called masked: {reasons}. {said}"
    else:
        sentence = (
            f"Over {found.images} images attacks by slopes do as well as they must: none are beaten by noise or by "
            "Square, larger budgets and more steps break no fewer images, and without a budget nearly all break. "
            f"{said}"
        )
    end = f" The network ends in a {found.activation}, {found.saturated:.1%} of whose outputs are flat."
    return Finding(
        check,
        "warning" if found.masked else "ok",
        "Gradient masking" if found.masked else "No gradient masking",
        sentence + (end if found.activation else ""),
        measured=measured,
        remedy="Do not call it robust: judge it by attacks that need no slope (square, surrogate), and take what "
        "rounds or saturates out of the way (--through scores does so for a last activation)."
        if found.masked
        else "",
        evidence=tuple(_evidence(found, norm)),
        reference="Athalye, Carlini and Wagner 2018, arXiv:1802.00420; Carlini et al. 2019, arXiv:1902.06705",
    )


def _evidence(found: Masking, norm: Norm) -> Sequence[Table | Curve]:
    rows = tuple((WORDS.get(name, name), share) for name, share in found.success.items())
    tables: list[Table | Curve] = [Table("Images broken", ("by", "share"), rows)]
    if found.slopes:
        columns = ("of", *(f"{q:.0%}" for q in QUANTILES), "exactly 0")
        lengths: tuple[tuple[Cell, ...], ...] = tuple(
            (name.replace("_", "-"), *values, found.flat[name]) for name, values in found.slopes.items()
        )
        tables.append(Table("Lengths of the slopes: quantiles over the images", columns, lengths))
    if found.by_eps:
        xs, ys = zip(*found.by_eps, strict=True)
        budgets = tuple(float(shown_distance(norm, x)) for x in xs)
        tables.append(Curve("APGD by budget", f"budget ({unit(norm)})", "share broken", {"APGD": (budgets, ys)}))
    return tables
