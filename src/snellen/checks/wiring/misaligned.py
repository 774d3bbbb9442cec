"""Do paths meet that look at different places?"""

from collections.abc import Sequence
from dataclasses import dataclass

from snellen.checks.wiring._base import Inspected, WiringCheck, listed
from snellen.findings.evidence import Table
from snellen.findings.finding import Finding

NAME = "wiring/misaligned"


@dataclass(frozen=True)
class Misaligned(WiringCheck):
    """Paths that are added or concatenated although their units look at different places of the image.

    A warning where their strides differ by more than ``ratio``, so that they drift apart over the image: a crop or
    a slice has hidden it. Else for information: half a pixel comes of even kernels, a small drift of resizing with
    aligned
    corners. Refuted where positions have no meaning on one of the paths.

    Reference: Araujo, Norris, Sim 2019, Computing receptive fields of convolutional neural networks, Distill.
    """

    ratio: float = 1.5

    def __call__(self, seen: Inspected) -> Sequence[Finding]:
        meetings = list(dict.fromkeys(m for i in seen.wired.outputs for m in seen.fields[i].misaligned))
        if not meetings:
            return []
        strides = [[float(stride) for _, stride, _ in m.paths] for m in meetings]
        drifting = any(max(s) > self.ratio * min(s) for s in strides)
        rows = tuple(
            (
                m.where,
                "hwd"[m.axis] if len(seen.wired.input_shape) == 4 else str(m.axis),
                name,
                str(stride),
                float(centre),
            )
            for m in meetings
            for name, stride, centre in m.paths
        )
        columns = ("where", "axis", "path from", "stride", "centre of unit 0")
        return [
            Finding(
                NAME,
                "warning" if drifting else "info",
                "Paths that drift apart" if drifting else "Paths that are not centred on each other",
                f"{listed(list(dict.fromkeys(str(m) for m in meetings)), 2)}.",
                remedy="Give the paths the same stride, and the same padding before the image." if drifting else "",
                evidence=(Table("Where paths meet", columns, rows),),
                reference="Araujo, Norris, Sim 2019, Distill.",
            )
        ]
