"""Does every parameter reach the output?"""

from collections.abc import Sequence
from dataclasses import dataclass

from snellen._errors import NetworkError
from snellen.checks.wiring._base import Inspected, WiringCheck, listed
from snellen.findings.evidence import Table
from snellen.findings.finding import Finding
from snellen.instruments.architecture.wiring import Wiring, wiring

NAME = "wiring/no_path"


@dataclass(frozen=True)
class NoPath(WiringCheck):
    """Parameters from which no path of operations leads to what the network returns.

    Layers that were never called are another finding. Those that reach the output in training mode are left out.
    Refuted where a forward reads a parameter as a plain number (``float(self.scale)``), or by another input that takes
    another way.
    """

    def __call__(self, seen: Inspected) -> Sequence[Finding]:
        uncalled = {layer.name for layer in seen.table.uncalled}
        reached = _reached(seen.wired)
        lost = [n for n in seen.wired.parameters if n not in reached and n.rpartition(".")[0] not in uncalled]
        if lost:
            try:
                reached = _reached(wiring(seen.network, seen.wired.input_shape[1:], training=True))
                lost = [name for name in lost if name not in reached]
            except NetworkError:
                pass
        if not lost:
            return [Finding(NAME, "ok", "Every parameter counts", "A path leads from every used layer to the output.")]
        count = sum(seen.wired.parameters[name] for name in lost)
        owners = list(dict.fromkeys(name.rpartition(".")[0] or name for name in lost))
        return [
            Finding(
                NAME,
                "warning",
                "Parameters without a path to the output",
                f"Nothing that the network returns depends on {listed(owners)} ({count:,} parameters): they are "
                "computed with and then dropped, or never read.",
                measured={"lost_parameters": float(count)},
                remedy="Use what they compute, or delete them. They can never be trained.",
                evidence=(
                    Table(
                        "Parameters without a path",
                        ("parameter", "count"),
                        tuple((name, seen.wired.parameters[name]) for name in lost),
                    ),
                ),
            )
        ]


def _reached(wired: Wiring) -> set[str]:
    return {name for i in wired.reaching for name in wired.nodes[i].parameters}
