"""Where are the parameters and the multiply-adds?"""

from collections.abc import Sequence
from dataclasses import dataclass

from snellen.checks.wiring._base import Inspected, WiringCheck
from snellen.findings.evidence import Table
from snellen.findings.finding import Finding

NAME = "wiring/budget"


@dataclass(frozen=True)
class Budget(WiringCheck):
    """One layer that holds more than ``share`` of the parameters of a network with five layers of weights or more.

    For information. In VGG16 it is the first linear layer: 102.8 of 138.4 million. Refuted where memory does not matter
    and the layer is known to be needed.
    """

    share: float = 0.5

    def __call__(self, seen: Inspected) -> Sequence[Finding]:
        owners = [layer for layer in seen.table.layers if layer.parameters]
        total = seen.table.parameters
        if len(owners) < 5:
            return []
        largest = max(owners, key=lambda layer: layer.parameters)
        if largest.parameters <= self.share * total:
            return []
        rows = tuple(
            (r.name, r.kind, r.parameters, r.parameters / total, r.macs / max(seen.table.macs, 1))
            for r in sorted(owners, key=lambda r: -r.parameters)[:5]
        )
        remedy = (
            "Pool over all positions before it, or make it narrower: it sees every position with weights of its own."
        )
        return [
            Finding(
                NAME,
                "info",
                "One layer holds most parameters",
                f"{largest.name} ({largest.kind}) holds {largest.parameters:,} of {total:,} parameters "
                f"({largest.parameters / total:.0%}), for {rows[0][4]:.1%} of the multiply-adds.",
                measured={"largest_share": largest.parameters / total},
                remedy=remedy if largest.kind == "Linear" else "",
                evidence=(
                    Table("The largest layers", ("layer", "kind", "parameters", "share", "share of MACs"), rows),
                ),
            )
        ]
