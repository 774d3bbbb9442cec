"""What is the network built of, and what does each layer see?"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from snellen.checks.wiring._base import Inspected, WiringCheck, by
from snellen.checks.wiring._diagram import diagram
from snellen.findings.evidence import Table
from snellen.findings.finding import Finding
from snellen.instruments.architecture.receptive_field import ReceptiveField

NAME = "wiring/table"
TITLE = "Layers in the order they are called"
COLUMNS = ("layer", "kind", "output", "parameters", "MACs", "activations", "sees", "stride", "padding")


@dataclass(frozen=True)
class LayersAndFields(WiringCheck):
    """The layers with output shape, parameters, multiply-adds, activation memory, receptive field, stride and padding.

    1 MAC is 1 multiply-add, 2 FLOP; convolutions and matrix products are counted. Activation memory is that of what a
    layer computes anew for one image, if nothing is freed before the end, as for training; operations in place and
    views take none. *sees* is the receptive field in pixels, also where it is larger than the image.
    """

    def __call__(self, seen: Inspected) -> Sequence[Finding]:
        wired, table = seen.wired, seen.table
        first = {call.module: call for call in reversed(wired.calls)}
        rows = []
        for layer in table.layers:
            outputs = first[layer.name].outputs
            told = ("–", "–", "–") if not outputs else field_words(seen.fields[outputs[0]])
            kind = layer.kind + (f" × {layer.calls}" if layer.calls > 1 else "")
            size = kilobytes(layer.activation_bytes)
            shape = by(layer.output_shape[1:])
            rows.append((layer.name, kind, shape, layer.parameters, layer.macs, size, *told))
        notes = " ".join(note[0].upper() + note[1:].rstrip(".") + "." for note in wired.notes)
        return [
            Finding(
                NAME,
                "info",
                "Layers",
                f"{seen.network.name}: {table.parameters:,} parameters; {wired.macs:,} multiply-adds (1 MAC = 2 FLOP) "
                f"and {kilobytes(wired.activation_bytes)} of activations for an input of {by(wired.input_shape[1:])}. "
                f"{notes}".strip(),
                measured={
                    "parameters": float(table.parameters),
                    "gigamacs": wired.macs / 1e9,
                    "activation_megabytes": wired.activation_bytes / 1e6,
                },
                headlines=("parameters", "gigamacs", "activation_megabytes"),
                evidence=(
                    diagram(seen),
                    Table(
                        TITLE,
                        COLUMNS,
                        tuple(rows),
                        shown=1000,
                        linked=True,
                        note="Outputs without the batch. 1 MAC = 1 multiply-add = 2 FLOP; convolutions and matrix "
                        "products are counted. Activations in float32 for one image. 'sees' is the receptive field. "
                        "× 3: called three times.",
                    ),
                ),
            )
        ]


def field_words(field: ReceptiveField) -> tuple[str, str, str]:
    """Size, stride and padding as a table says them."""
    if field.whole:
        return "whole image", "–", "–"
    most = "up to " if field.lost or field.least != field.size else ""
    stride = "mixed" if None in field.stride else pair(field.stride)
    return most + pair(field.size), stride, pair(field.padding)


def pair(values: Sequence[int | Fraction | None]) -> str:
    """One number if all axes have the same, else ``5 x 7``."""
    return str(values[0]) if values.count(values[0]) == len(values) else by(values)


def kilobytes(count: int) -> str:
    """A memory size: ``12.8 MB``.

    >>> kilobytes(512), kilobytes(12_845_056)
    ('512 B', '12.8 MB')
    """
    for size, unit in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} B"
