"""``snellen inspect``: how is a network wired, and what does each layer see?"""

import sys
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Annotated

import typer

from snellen._errors import UsageError
from snellen.cli import options as o
from snellen.cli.console import deliver, say, verb

if TYPE_CHECKING:
    from torch import Tensor

    from snellen.findings.findings import Findings
    from snellen.subject.network import Network


@verb
def inspect(
    network: o.NetworkSpec,
    shape: Annotated[
        str | None,
        typer.Option(
            "--input",
            help="Channels x height x width, such as 3x224x224; channels x length where it takes one axis, such as "
            "2x100; the network's own if it knows one.",
        ),
    ] = None,
    layer: Annotated[
        str | None, typer.Option(help="Look at one layer more closely: features.28, or layer1.0:2 for its second call.")
    ] = None,
    unit: Annotated[
        str | None, typer.Option(help="Row, column of a unit of that layer; the one in the middle if not given.")
    ] = None,
    images: Annotated[
        str | None, typer.Option(help="Show what the unit sees of some images: a folder, an image, 'digits' ...")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most this many of the images.")] = 6,
    object_size: Annotated[
        int | None, typer.Option("--object", min=1, help="Pixels of the objects that it is to see.")
    ] = None,
    weights: o.Weights = None,
    sidecar: o.Sidecar = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the page with the drawing.", rich_help_panel=o.OUTPUT)
    ] = None,
    json: o.Json = None,
    seed: o.Seed = 0,
    quiet: o.Quiet = False,
) -> None:
    """Every layer's output, parameters, multiply-adds, memory and receptive field; a drawing; what is odd about it."""
    from functools import partial

    from snellen.exam.inspect import inspect_network
    from snellen.subject.load.outline import outlined

    o.check_destinations(out, json)
    load = partial(
        o.the_network,
        network,
        weights=weights,
        sidecar=sidecar,
        scale=(None, None),
        fit=(None, None, None),
        classes=None,
    )
    outline = outlined(load) if weights is None and images is None else load()
    size = _shape(shape, outline)
    pixels, names = (None, None) if images is None else _pixels(images, outline, size, limit, seed)
    findings = inspect_network(
        outline,
        size,
        layer=layer,
        unit=_unit(unit),
        pixels=pixels,
        names=names,
        object_size=object_size,
        with_weights=load,
    )
    if not quiet and json != "-":
        _print_table(findings)
    deliver(findings, out=out, json_to=json, quiet=quiet)


def _shape(text: str | None, network: "Network") -> tuple[int, ...] | None:
    """``3x224x224``, ``224x224`` or ``224``; ``1x16x64x64`` where there is depth; ``2x100`` where there is a length."""
    series = _of_one_axis(network)
    told = "channels x length, such as 2x100: its first convolution has one axis"
    if text is None:
        if series:
            raise UsageError(f"the input size of {network.name} is not known; give --input as {told}")
        if network.preprocessing.size is None:
            raise UsageError(f"the input size of {network.name} is not known; give --input 3x224x224")
        return None
    parts = text.lower().replace("×", "x").split("x")
    if len(parts) > 4 or not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
        raise UsageError(f"--input must read like 3x224x224, 224x224 or 224, got {text!r}")
    sizes = [int(part) for part in parts]
    if len(sizes) > 2 or (series and len(sizes) == 2):
        return tuple(sizes)
    if series:
        raise UsageError(f"--input of {network.name} must be {told}; got {text!r}")
    return (network.preprocessing.count, sizes[0], sizes[-1])


def _of_one_axis(network: "Network") -> bool:
    """Whether the first convolution of a network is one over a length."""
    from torch import nn

    lengths, maps = (nn.Conv1d, nn.ConvTranspose1d), (nn.Conv2d, nn.ConvTranspose2d, nn.Conv3d, nn.ConvTranspose3d)
    first = next((m for m in network.module.modules() if isinstance(m, (*lengths, *maps))), None)
    return isinstance(first, lengths)


def _unit(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    parts = text.replace("x", ",").split(",")
    if not all(part.strip().isdecimal() for part in parts):
        raise UsageError(f"--unit must be a row and a column, such as 7,7; got {text!r}")
    return tuple(int(part) for part in parts)


def _pixels(
    spec: str, network: "Network", size: tuple[int, ...] | None, limit: int, seed: int
) -> "tuple[Tensor, list[str]]":
    """Some images as the network takes them, and what they are called."""
    from dataclasses import replace

    images = o.the_images(spec, classes=None, limit=limit, seed=seed)
    fit = network.preprocessing if size is None else replace(network.preprocessing, size=(size[-2], size[-1]))
    chosen = range(min(limit, len(images)))
    return images.pixels(fit, indices=chosen), [images.source.name(i) for i in chosen]


def _print_table(findings: "Findings") -> None:
    from snellen.findings.evidence import Table
    from snellen.report.table_text import table_text

    table = next((e for f in findings for e in f.evidence if isinstance(e, Table) and e.linked), None)
    if table is not None:
        colour = sys.stdout.isatty()
        say(table_text(table, width=get_terminal_size((100, 24)).columns if colour else 100, colour=colour))
