"""Does it make every class, as often as there are real ones?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from snellen.checks.generation._base import Generated, GenerationCheck, Judged
from snellen.findings.evidence import Table
from snellen.findings.finding import Finding, Severity
from snellen.findings.interval import wilson
from snellen.instruments.generation.modes import ClassesCovered, classes_covered

NAME = "generation/classes_made"
IMPROBABLE, UNLIKELY = 1e-6, 1e-3


@dataclass(frozen=True)
class ClassesMade(GenerationCheck):
    """The classes that a classifier sees in the samples, against those that it sees in the real images.

    A class of share p is missed by n samples with probability (1 - p)^n. An error for classes without a sample where
    that is below one in a million. A warning for those with so few that even a ``rare`` part of their share would give
    more in 999 of 1,000 cases, by the binomial law. Counts come with Wilson's intervals. The classifier must know the
    data; its own mistakes are in both columns.

    Reference: Wilson 1927, JASA 22:209-212; Arora and Zhang 2017, arXiv:1706.08224, on dropped modes.
    """

    rare: float = 0.5

    def __call__(self, seen: Generated) -> Sequence[Finding]:
        judged = seen.judged
        if judged is None:
            return []
        k, n = judged.samples.shape[1], len(judged.samples)
        real = np.bincount(judged.real.argmax(dim=1).numpy(), minlength=k).astype(np.int64)
        shares = real / real.sum()
        found = classes_covered(judged.samples.argmax(dim=1), shares.tolist())
        gone = [i for i in found.missing if (1 - shares[i]) ** n < IMPROBABLE]
        few = np.asarray(stats.binom.cdf(found.counts, n, self.rare * shares)) < UNLIKELY
        rare = [i for i in np.flatnonzero(few).tolist() if i not in gone]
        severity: Severity = "error" if gone else "warning" if rare else "ok"
        names = judged.names
        covered = k - len(found.missing)
        text = (
            f"{judged.network} sees {covered} of {k} classes in {n:,} samples; {found.expected_missing:.2g} of them "
            "would be missed by chance."
        )
        if gone:
            text += f" Missing: {_listed(names, gone)}."
        if rare:
            text += f" Rare: {_listed(names, rare)}."
        return [
            Finding(
                NAME,
                severity,
                "Every class is made" if severity == "ok" else "Classes are missing" if gone else "Classes are rare",
                text,
                measured={
                    "classes_made": float(covered),
                    "classes_missing": float(len(gone)),
                    "classes_rare": float(len(rare)),
                    "rarest_share": float(found.counts.min()) / n,
                    "mean_confidence": float(judged.samples.amax(dim=1).mean()),
                },
                headlines=("classes_made",),
                remedy=""
                if severity == "ok"
                else "The generator has dropped modes. Give it the class (a conditional generator and "
                "discriminator), or train the discriminator harder: more of its steps, a gradient penalty, "
                "several samples at once.",
                evidence=(self._table(judged, found, real),),
            )
        ]

    def _table(self, judged: Judged, found: ClassesCovered, real: NDArray[np.int64]) -> Table:
        n = len(judged.samples)
        rows = tuple(
            (name, int(count), count / n, *wilson(int(count), n), int(other), other / real.sum())
            for name, count, other in zip(judged.names, found.counts, real, strict=True)
        )
        columns = ("class", "samples", "share", "low", "high", "real", "real share")
        note = f"Classes as {judged.network} sees them, with 95 % Wilson intervals."
        return Table("Classes", columns, rows, note=note)


def _listed(names: Sequence[str], rows: Sequence[int], most: int = 10) -> str:
    shown = ", ".join(names[i] for i in rows[:most])
    return shown + (f" and {len(rows) - most} more" if len(rows) > most else "")
