"""Do transposed convolutions write unevenly?"""

from collections.abc import Sequence
from dataclasses import dataclass

from snellen.checks._overlap import overlap
from snellen.checks.wiring._base import Inspected, WiringCheck
from snellen.findings.finding import Finding

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
        found = overlap(NAME, [(node.module or node.kind, node.windows) for node in seen.wired.nodes])
        return [] if found is None else [found]
