"""Are the samples like real images, and are all kinds of real images among them?"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from snellen.checks._pictures import picture
from snellen.checks.generation._base import Generated, GenerationCheck
from snellen.findings.evidence import Gallery, Table, Tile
from snellen.findings.finding import Finding
from snellen.findings.interval import difference
from snellen.instruments.generation.precision_recall import PrecisionRecall, precision_recall

NAME = "generation/manifolds"
REFERENCE = "Kynkäänniemi et al. 2019, arXiv:1904.06991; Naeem et al. 2020, arXiv:2002.09797."


@dataclass(frozen=True)
class Manifolds(GenerationCheck):
    """Precision (samples among the real images) and recall (real images among the samples) by nearest neighbours.

    Each is compared with what other real images reach in the samples' place. A warning where it is below ``least`` of
    that and the difference leaves out 0 by Newcombe's interval at five standard deviations. Density and coverage are
    given too.

    Reference: Kynkäänniemi et al. 2019, arXiv:1904.06991; Naeem et al. 2020, arXiv:2002.09797.
    """

    k: int = 3
    least: float = 0.5
    pictures: int = 12

    def __call__(self, seen: Generated) -> Sequence[Finding]:
        rows, low, missed = [], [], []
        measured: dict[str, float] = {}
        for space in seen.spaces:
            found = precision_recall(space.fake, space.reference, k=self.k)
            null = precision_recall(space.null, space.reference, k=self.k)
            end = "_pixels" if space.name == "pixels" and len(seen.spaces) > 1 else ""
            measured |= {f"precision{end}": found.precision, f"recall{end}": found.recall}
            measured |= {f"density{end}": found.density, f"coverage{end}": found.coverage}
            rows += [_row(f"samples, {space.name}", found), _row(f"other real images, {space.name}", null)]
            if self._less(found.precision, null.precision, seen.count):
                low.append((found.precision / null.precision, found, space.name, null.precision))
            if self._less(found.recall, null.recall, seen.count):
                missed.append((found.recall / null.recall, found, space.name, null.recall))
        table = Table(
            "Precision and recall",
            ("set", "precision", "recall", "density", "coverage", "coverage to expect"),
            tuple(rows),
            note=f"k = {self.k}, {seen.count:,} pictures of each kind. A perfect generator is like other real images.",
        )
        out = []
        if low:
            _, found, name, usual = min(low, key=lambda row: row[0])
            out.append(
                Finding(
                    NAME,
                    "warning",
                    "Samples unlike real images",
                    f"{found.precision:.0%} of the samples lie among the real images, in {name}; of other real "
                    f"images {usual:.0%} do.",
                    measured=measured,
                    headlines=("precision", "recall"),
                    remedy="Train longer, or look for what sets them apart: noise and blur (fine_structure), "
                    "checkerboards (uneven_upsampling), colours out of range. Averaged weights (EMA) often help.",
                    evidence=(table, self._gallery(seen, found.realistic)),
                    reference=REFERENCE,
                )
            )
        if missed:
            _, found, name, usual = min(missed, key=lambda row: row[0])
            out.append(
                Finding(
                    NAME,
                    "warning",
                    "Real images that it does not make",
                    f"{found.recall:.0%} of the real images lie among the samples, in {name}; among other real "
                    f"images {usual:.0%} do.",
                    measured={} if low else measured,
                    headlines=() if low else ("precision", "recall"),
                    remedy="The generator makes a part of the data only. See classes_made and variety for which; a "
                    "gradient penalty, more steps of the discriminator or a conditional generator are what helps.",
                    evidence=(() if low else (table,)) + (self._unreached(seen, found.reached),),
                    reference=REFERENCE,
                )
            )
        if out:
            return out
        last = seen.spaces[-1].name
        text = (
            f"{measured['precision']:.0%} of the samples lie among the real images and {measured['recall']:.0%} of the "
            f"real images among the samples, in {last}; other real images reach {rows[-1][1]:.0%} and "
            f"{rows[-1][2]:.0%}."
        )
        return [
            Finding(
                NAME,
                "ok",
                "Precision and recall",
                text,
                measured=measured,
                headlines=("precision", "recall"),
                evidence=(table,),
                reference=REFERENCE,
            )
        ]

    def _less(self, share: float, usual: float, count: int) -> bool:
        far = difference((round(share * count), count), (round(usual * count), count), z=5)[1] < 0
        return share < self.least * usual and far

    def _gallery(self, seen: Generated, realistic: Tensor) -> Gallery:
        odd = seen.fake[(~realistic).nonzero()[:, 0]][: self.pictures].tolist()
        tiles = tuple(Tile(f"sample {row}", (picture("sample", seen.samples[row]),)) for row in odd)
        return Gallery("Samples that lie among no real images", tiles, "The first of them, in the order drawn.")

    def _unreached(self, seen: Generated, reached: Tensor) -> Gallery:
        rows = seen.reference[torch.nonzero(~reached)[:, 0]][: self.pictures].tolist()
        tiles = tuple(Tile(f"real {row}", (picture("real", seen.real[row]),)) for row in rows)
        return Gallery("Real images that lie among no samples", tiles, "The first of them, in the order drawn.")


def _row(name: str, found: PrecisionRecall) -> tuple[str, float, float, float, float, float]:
    return name, found.precision, found.recall, found.density, found.coverage, found.expected_coverage
