"""Do transposed convolutions write unevenly?"""

from collections.abc import Sequence
from dataclasses import dataclass

from snellen.checks.wiring._base import Inspected, WiringCheck, by, listed
from snellen.findings.evidence import Table
from snellen.findings.finding import Finding
from snellen.instruments.architecture.operations import Window

NAME = "wiring/checkerboard"


@dataclass(frozen=True)
class Checkerboard(WiringCheck):
    """Transposed convolutions whose kernel is no multiple of their stride: neighbours are sums of unequally many terms.

    With kernel k and stride s an output is written by floor(k / s) or by ceil(k / s) inputs along an axis, in a fixed
    pattern that shows as a checkerboard unless the weights learn to undo it. Refuted by the spectrum of real outputs,
    which then has no peak at 1 / s.

    Reference: Odena, Dumoulin, Olah 2016, Deconvolution and checkerboard artifacts, Distill.
    """

    def __call__(self, seen: Inspected) -> Sequence[Finding]:
        transposed = [n for n in seen.wired.nodes if any(w.transposed and w.stride > 1 for w in n.windows)]
        uneven = [n for n in transposed if any(w.uneven for w in n.windows)]
        if not transposed:
            return []
        if not uneven:
            text = f"All {len(transposed)} transposed convolutions have a kernel that is a multiple of their stride."
            return [Finding(NAME, "ok", "Transposed convolutions write evenly", text)]
        rows = tuple(
            (
                n.module or n.kind,
                by([w.kernel for w in n.windows]),
                by([w.stride for w in n.windows]),
                _terms(n.windows),
            )
            for n in uneven
        )
        return [
            Finding(
                NAME,
                "warning",
                "Checkerboards",
                f"The kernel is no multiple of the stride in {listed([str(row[0]) for row in rows])}: "
                f"neighbouring outputs are sums of {rows[0][3]} inputs.",
                remedy="Make the kernel a multiple of the stride (4 for 2), or resize and convolve.",
                evidence=(Table("Uneven overlap", ("layer", "kernel", "stride", "inputs a pixel"), rows),),
                reference="Odena, Dumoulin, Olah 2016, Deconvolution and checkerboard artifacts, Distill.",
            )
        ]


def _terms(windows: Sequence[Window]) -> str:
    """How many inputs write into one output: ``1 to 4``."""
    fewest = most = 1
    for w in windows:
        counts = [len([k for k in range(w.kernel) if (u - k * w.dilation) % w.stride == 0]) for u in range(w.stride)]
        fewest, most = fewest * min(counts), most * max(counts)
    return f"{fewest} to {most}"
