"""Are there layers that the forward never calls?"""

from collections.abc import Sequence
from dataclasses import dataclass

from snellen._errors import NetworkError
from snellen.checks.wiring._base import Inspected, WiringCheck, listed
from snellen.findings.evidence import Table
from snellen.findings.finding import Finding
from snellen.instruments.architecture.wiring import wiring

NAME = "wiring/never_called"


@dataclass(frozen=True)
class NeverCalled(WiringCheck):
    """Layers with parameters of which nothing was used in one forward: neither called nor read by another.

    A warning if the forward in training mode does not use them either; layers that only training uses (auxiliary
    heads) are for information. Refuted by an input that takes another way through a forward with branches.
    """

    def __call__(self, seen: Inspected) -> Sequence[Finding]:
        used = {name for node in seen.wired.nodes for name in node.parameters}
        idle = [layer for layer in seen.table.uncalled if layer.parameters or layer.shared]
        idle = [layer for layer in idle if not any(name.rpartition(".")[0] == layer.name for name in used)]
        if not idle:
            return [Finding(NAME, "ok", "Every layer is used", "The forward uses every layer that has parameters.")]
        try:
            trained = wiring(seen.network, seen.wired.input_shape[1:], training=True)
            called = {call.module for call in trained.calls}
        except NetworkError:
            called = set()
        asleep = [layer for layer in idle if layer.name not in called]
        chosen = asleep or idle
        count, names = sum(layer.parameters for layer in chosen), listed([layer.name for layer in chosen])
        rows = tuple((layer.name, layer.kind, layer.parameters) for layer in chosen)
        evidence = (Table("Layers that were not called", ("layer", "kind", "parameters"), rows),)
        if not asleep:
            text = f"{names}: {count:,} parameters that only the forward in training mode uses."
            return [Finding(NAME, "info", "Layers of training alone", text, evidence=evidence)]
        return [
            Finding(
                NAME,
                "warning",
                "Layers that are never called",
                f"The forward never calls {names}: {count:,} parameters that do nothing.",
                measured={"uncalled_parameters": float(count)},
                remedy="Call them in forward, or delete them. They are stored, loaded and counted for nothing.",
                evidence=evidence,
            )
        ]
