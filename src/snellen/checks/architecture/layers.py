"""What is the network built of?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch

from snellen.checks._base import Check, Subject
from snellen.findings.evidence import Table
from snellen.findings.finding import Finding
from snellen.instruments.architecture.layer_table import layer_table


@dataclass(frozen=True)
class Layers(Check):
    """The layer table: output shapes, parameters, multiply-adds (1 MAC = 2 FLOP), and how the network was loaded."""

    metrics: ClassVar[Mapping[str, str]] = {
        "parameters": "parameters, shared ones counted once",
        "macs": "multiply-adds of one image",
    }

    def __call__(self, subject: Subject) -> Sequence[Finding]:
        network = subject.network
        shape = tuple(subject.pixels(torch.tensor([0])).shape[1:])
        table = layer_table(network, input_size=(shape[1], shape[2]))
        rows = tuple(
            (r.name, r.kind, " x ".join(str(s) for s in r.output_shape), r.parameters, r.macs) for r in table.layers
        )
        notes = " ".join(note.rstrip(".") + "." for note in (*network.notes, *table.notes))
        if table.uncalled:
            notes += f" Never called: {', '.join(layer.name for layer in table.uncalled)}."
        untrained = any("randomly initialised" in note for note in network.notes)
        return [
            Finding(
                "architecture/layers",
                "warning" if untrained else "info",
                "Untrained weights" if untrained else "Layers",
                f"{network.name}: {table.parameters:,} parameters and {_macs(table.macs)} multiply-adds for an image "
                f"of {shape[0]} x {shape[1]} x {shape[2]}. {notes}".strip(),
                measured={"parameters": float(table.parameters), "macs": float(table.macs)},
                headlines=("parameters", "macs"),
                remedy="Give trained weights with --weights." if untrained else "",
                evidence=(
                    Table(
                        "Layers in the order they are called",
                        ("layer", "kind", "output", "parameters", "MACs"),
                        rows,
                        shown=60,
                        note="1 MAC = 1 multiply-add = 2 FLOP; convolutions and matrix products are counted.",
                    ),
                ),
            )
        ]


def _macs(count: int) -> str:
    for size, unit in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if count >= size:
            return f"{count / size:.3f} {unit}"
    return str(count)
