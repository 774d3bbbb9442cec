"""``snellen receptive-field``: how much of the input one neuron sees, through a chain of layers or in a network."""

import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from snellen._errors import UsageError
from snellen.cli import options as o
from snellen.cli.console import say, verb, write_json
from snellen.cli.conv import read_sizes

if TYPE_CHECKING:
    from snellen.instruments.architecture.layer_chain import ChainLayer, Field

WIDTH = 100
MOST_COUNTED_BACK = 5
"""Up to so many layers, the count back is printed for each of them, and for the last one above."""


@verb
def receptive_field(
    layers: Annotated[
        list[str],
        typer.Argument(
            metavar="LAYER...|NETWORK",
            help="Layers from the input on: k3s2 is kernel 3 and stride 2, with p1 for padding and d2 for dilation; "
            "k7x5 has two axes; pool2 is a pooling of 2. Or a network, with --layer.",
        ),
    ],
    layer: Annotated[str | None, typer.Option(help="Of a network: the name of a submodule.")] = None,
    size: Annotated[
        str | None, typer.Option("--input", help="Of a network: channels and size, 3x224x224 if it knows none.")
    ] = None,
    json: o.Json = None,
) -> None:
    """The receptive field of one neuron: in every layer of a chain, calculated forwards and back, or in a network."""
    if layer is not None:
        _in_network(layers, layer, size, json)
        return
    from snellen.instruments.architecture.convolution import AXES
    from snellen.instruments.architecture.layer_chain import ChainLayer, axis_count, chain_fields

    if size is not None:
        raise UsageError("--input is that of a network: give its layer with --layer too")
    chain = [ChainLayer.parse(text) for text in layers]
    fields, count = chain_fields(chain), axis_count(chain)
    if count not in AXES:
        raise UsageError(f"layers have one, two or three axes, got {count}")
    if json is not None:
        from snellen.findings.findings import SCHEMA_VERSION

        rows = [{"layer": text, "axes": [asdict(f) for f in row]} for text, row in zip(layers, fields, strict=True)]
        write_json({"schema_version": SCHEMA_VERSION, "layers": rows}, json)
    if json != "-":
        stories = [_story(chain, [row[axis] for row in fields], axis) for axis in range(count)]
        titles = [f"{name.capitalize()}\n\n" * (count > 1) for name in AXES[count]]
        say("\n".join(title + story for title, story in zip(titles, stories, strict=True)))


def _in_network(specs: list[str], layer: str, size: str | None, json: str | None) -> None:
    from functools import partial

    from snellen.instruments.architecture.receptive_field import receptive_field
    from snellen.subject.load.outline import outlined

    if len(specs) != 1:
        raise UsageError(f"--layer is that of one network, got {len(specs)} arguments: {' '.join(specs)}")
    load = partial(
        o.the_network,
        specs[0],
        weights=None,
        sidecar=None,
        scale=(None, None),
        fit=(None, None, None),
        classes=None,
    )
    network = outlined(load)
    known = network.preprocessing
    shape = (known.count, *(known.size or (224, 224))) if size is None else read_sizes(size, "--input")
    found = receptive_field(network, layer, shape)
    misaligned = list(dict.fromkeys(map(str, found.misaligned)))
    strides = ["unknown" if s is None else str(s) for s in found.stride]
    if json is not None:
        from snellen.findings.findings import SCHEMA_VERSION

        document = {"layer": layer, "input": shape, "size": found.size, "stride": strides, "padding": found.padding}
        more = {"misaligned": misaligned, "lost": found.lost}
        write_json({"schema_version": SCHEMA_VERSION, **document, **more}, json)
    if json != "-":
        said = f"{layer} of {network.name}, input {_times(shape)}: receptive field {_times(found.size)}, stride "
        said += f"{_times(strides)}, padding {_times(found.padding)}.\n"
        if found.whole:
            said += "Every unit sees the whole image.\n"
        if found.lost:
            said += f"An upper bound: {found.lost} could not be followed.\n"
        say(said + "".join(f"Misaligned: {place}.\n" for place in misaligned))


def _times(numbers: Sequence[object]) -> str:
    return " x ".join(map(str, numbers))


def _story(layers: "list[ChainLayer]", fields: "list[Field]", axis: int) -> str:
    return _forwards(layers, fields, axis) + "\n" + _backwards(layers, axis) + "\n" + _seen(fields)


def _forwards(layers: "list[ChainLayer]", fields: "list[Field]", axis: int) -> str:
    """The table: every layer widens the field by (kernel − 1) steps of the layer before."""
    from snellen.instruments.architecture.layer_chain import Field, along

    rows: list[tuple[str, ...]] = [("layer", "kernel", "stride", "receptive field", "step on the input")]
    padded = any(field.padding for field in fields)
    rows[0] += ("padding on the input",) * padded
    last = Field()
    for i, (layer, field) in enumerate(zip(layers, fields, strict=True), 1):
        kernel, stride, padding, dilation = along(layer, axis)
        grown = f"{last.size} + " + f"{dilation}·" * (dilation > 1) + f"({kernel} − 1)·{last.stride} = {field.size}"
        row = (f"l{i}", str(kernel), str(stride), grown, f"{last.stride}·{stride} = {field.stride}")
        rows.append(row + (f"{last.padding} + {padding}·{last.stride} = {field.padding}",) * padded)
        last = field
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "".join(f"{line}\n" for line in lines)


def _backwards(layers: "list[ChainLayer]", axis: int) -> str:
    """The same number from the other end: how many neurons one neuron needs, layer by layer."""
    shown = range(1, len(layers) + 1) if len(layers) <= MOST_COUNTED_BACK else [len(layers)]
    said = "Counted back from one neuron, n in a row need (n − 1)·stride + kernel:\n"
    for i in shown:
        steps = f"l{i}: " + " → ".join(_needs(layers[:i], axis))
        tied = steps.replace(" ", "\N{NO-BREAK SPACE}").replace("\N{NO-BREAK SPACE}→", " →")
        lines = textwrap.wrap(tied, WIDTH, subsequent_indent="    ", break_on_hyphens=False)
        said += "\n".join(lines).replace("\N{NO-BREAK SPACE}", " ") + "\n"
    return said


def _needs(layers: "list[ChainLayer]", axis: int) -> list[str]:
    from snellen.instruments.architecture.layer_chain import along, counted_back

    said, n = ["1"], 1
    for i, needed in zip(range(len(layers) - 1, -1, -1), counted_back(layers, axis=axis), strict=True):
        kernel, stride, _, dilation = along(layers[i], axis)
        span = f"{kernel}" if dilation == 1 else f"({dilation}·({kernel} − 1) + 1)"
        plain = n == 1 and dilation == 1
        said.append((f"{needed}" if plain else f"({n} − 1)·{stride} + {span} = {needed}") + f" of l{i}")
        n = needed
    return said


def _seen(fields: "list[Field]") -> str:
    last = fields[-1]
    many = f"{last.size} element{'s' * (last.size > 1)} of the input"
    first = f"{last.stride}·u" + f" − {last.padding}" * (last.padding > 0)
    end = last.size - 1 - last.padding
    upto = f"{last.stride}·u" + (f" + {end}" if end > 0 else f" − {-end}" if end < 0 else "")
    which = f"{first} to {upto}" if last.size > 1 else first
    said = f"A neuron of l{len(fields)} sees {many}: number u sees {which}.\n"
    if last.read is not None and last.read < last.size:
        said += f"Of these it reads {last.read}; dilations or strides skip the others.\n"
    return said
