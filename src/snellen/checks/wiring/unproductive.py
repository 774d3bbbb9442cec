"""Are there layers that can add no new context?"""

from collections.abc import Sequence
from dataclasses import dataclass

from snellen.checks.wiring._base import Inspected, WiringCheck, by, listed
from snellen.findings.evidence import Table
from snellen.findings.finding import Finding
from snellen.instruments.architecture.operations import CONVOLUTION

NAME = "wiring/unproductive"


@dataclass(frozen=True)
class Unproductive(WiringCheck):
    """Convolutions wider than one pixel whose input already sees at least as many pixels as the image has.

    They can combine, but they cannot bring in a pixel that their input has not seen. Richter et al. measured that such
    layers raise accuracy little. For information: deep networks that do well have many. Refuted by a linear probe whose
    accuracy still rises over these layers.
    """

    def __call__(self, seen: Inspected) -> Sequence[Finding]:
        wide = [n for n in seen.wired.nodes if n.kind == CONVOLUTION and max(w.kernel for w in n.windows) > 1]
        idle = [n for n in wide if all(seen.fields[i].covers for i in n.inputs)]
        if not idle:
            return []
        macs, image = sum(n.macs for n in idle), seen.wired.input_shape[2:]
        names = [n.module or n.kind for n in idle]
        rows = tuple((n.module or n.kind, by(seen.fields[n.inputs[0]].size), n.macs) for n in idle)
        return [
            Finding(
                NAME,
                "info",
                "Layers without new context",
                f"{len(idle)} of {len(wide)} spatial convolutions read inputs that already see {by(image)} "
                f"pixels or more, the whole image: {listed(names)}. They cost {macs / max(seen.wired.macs, 1):.0%} of "
                "the multiply-adds.",
                measured={"unproductive_layers": float(len(idle))},
                remedy="For images of this size a shallower network, or one with less stride early, may do as well.",
                evidence=(Table("Layers without new context", ("layer", "its input sees", "MACs"), rows),),
                reference="Richter et al. 2021, Should you go deeper?, arXiv:2106.12307.",
            )
        ]
