"""``snellen residual``: put a residual connection into a network, and show the source that has it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snellen._errors import NotApplicable, UsageError
from snellen.cli import options as o
from snellen.cli.console import say, verb, write_json
from snellen.cli.conv import read_sizes

if TYPE_CHECKING:
    from snellen.instruments.architecture.residual import Residual
    from snellen.instruments.architecture.residual_source import Written


@verb
def residual(
    network: o.NetworkSpec,
    start: Annotated[str, typer.Option("--from", metavar="MODULE", help="The connection begins at its input.")],
    end: Annotated[str, typer.Option("--to", metavar="MODULE", help="The connection is added to its output.")],
    size: Annotated[
        str | None,
        typer.Option("--input", help="Channels and size of the network's input, 3x224x224 if it knows none."),
    ] = None,
    zero: Annotated[
        bool, typer.Option("--zero", help="A projection in any case, with weights of 0: it begins as it was.")
    ] = False,
    write: Annotated[
        Path | None, typer.Option("--write", metavar="FILE.py", help="Write the changed source to a new file.")
    ] = None,
    json: o.Json = None,
) -> None:
    """Add the input of one module to the output of another, projected where shapes differ, and show the new source."""
    from snellen.instruments.architecture.residual import add_residual
    from snellen.instruments.architecture.residual_source import residual_source
    from snellen.subject.load.network import load_network

    if write is not None and (write.suffix != ".py" or write.exists()):
        raise UsageError(f"--write names a Python file that is not there yet, got {write}")
    found = load_network(network)
    known = found.preprocessing
    shape = (known.count, *(known.size or (224, 224))) if size is None else read_sizes(size, "--input")
    added = add_residual(found.module, start=start, end=end, input_shape=shape, zero=zero)
    written, obstacle = None, ""
    try:
        written = residual_source(found.module, added, input_shape=shape)
    except NotApplicable as error:
        if write is not None:
            raise
        obstacle = str(error)
    if write is not None and written is not None:
        from snellen._atomic import write_file

        write_file(write, written.text)
    if json is not None:
        write_json(_document(added, written, obstacle, shape), json)
    if json != "-":
        say(_told(added, found.name) + _shown(written, obstacle, write))


def _told(added: "Residual", name: str) -> str:
    old = sum(p.numel() for p in added.network.parameters()) - added.parameters
    rows = [
        ("connection", f"input of {added.start} -> output of {added.end}"),
        ("shapes", f"{_times(added.before)} -> {_times(added.after)}"),
        ("projection", f"{added.layer}, as {added.projection}" if added.projection else "none: the input itself"),
        ("parameters", f"{old:,} + {added.parameters:,}"),
        *(("note", note) for note in added.notes),
    ]
    return f"{name} with a residual connection\n\n" + "".join(f"{label:<12}{text}\n" for label, text in rows)


def _shown(written: "Written | None", obstacle: str, write: Path | None) -> str:
    if written is None:
        return f"\nThe source is not changed: {obstacle}\n"
    text = f"\n{written.diff or written.text}"
    if write is not None:
        return f"{text}\nWritten to {write}, a whole file: {written.note}.\n"
    return f"{text}\n{written.note}.\n"


def _document(added: "Residual", written: "Written | None", obstacle: str, shape: tuple[int, ...]) -> dict[str, object]:
    from snellen.findings.findings import SCHEMA_VERSION

    return {
        "schema_version": SCHEMA_VERSION,
        "from": added.start,
        "to": added.end,
        "input": list(shape),
        "before": list(added.before),
        "after": list(added.after),
        "projection": added.projection or None,
        "layer": added.layer,
        "parameters_added": added.parameters,
        "calls": list(added.calls),
        "in_place": added.in_place,
        "notes": list(added.notes),
        "class": None if written is None else written.class_name,
        "diff": None if written is None else written.diff,
        "note": None if written is None else written.note,
        "source": None if written is None else written.text,
        "obstacle": obstacle or None,
    }


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
