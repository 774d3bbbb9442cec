"""What do the samples look like?"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from snellen.checks._pictures import picture
from snellen.checks.generation._base import Generated, GenerationCheck
from snellen.findings.evidence import Gallery, Tile
from snellen.findings.finding import Finding

NAME = "generation/drawn_samples"


@dataclass(frozen=True)
class DrawnSamples(GenerationCheck):
    """Some samples, drawn by the seed and not chosen, and as many real images.

    With a classifier each has the class and the probability that it gives. Nothing is judged here.
    """

    count: int = 12

    def __call__(self, seen: Generated) -> Sequence[Finding]:
        order = torch.randperm(len(seen.samples), generator=torch.Generator().manual_seed(seen.seed))
        tiles = tuple(_tile(seen, int(row)) for row in order[: self.count])
        real = tuple(
            Tile(f"real {int(row)}", (picture("real", seen.real[row]),)) for row in seen.reference[: self.count]
        )
        channels, height, width = seen.samples.shape[1:]
        return [
            Finding(
                NAME,
                "info",
                "Samples",
                f"{len(seen.samples):,} samples of {channels} x {height} x {width} beside {len(seen.real):,} real "
                f"images; {seen.count:,} of each are compared, and {seen.count:,} other real images say what a perfect "
                "generator would give.",
                measured={"samples": float(len(seen.samples)), "compared": float(seen.count)},
                evidence=(
                    Gallery("Samples", tiles, "Drawn by the seed, not chosen."),
                    Gallery("Real images", real, "Drawn by the seed."),
                ),
            )
        ]


def _tile(seen: Generated, row: int) -> Tile:
    shown = (picture("sample", seen.samples[row]),)
    if seen.judged is None:
        return Tile(f"sample {row}", shown)
    best = seen.judged.samples[row].max(dim=0)
    return Tile(f"{seen.judged.names[int(best.indices)]} {float(best.values):.0%}", shown, lines=(f"sample {row}",))
