"""``snellen transport``: how far apart two samples are, and what a critic says of it, step by step."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from snellen.cli import options as o
from snellen.cli.console import deliver, say, verb

if TYPE_CHECKING:
    from torch import nn

    from snellen.findings.findings import Findings


@verb
def transport(
    a: Annotated[str, typer.Argument(metavar="A", help="Points such as 3,1;4,2, or a .npy, .npz, .csv or .txt file.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Likewise.")],
    critic: Annotated[
        str | None,
        typer.Option(metavar="W|PATH.py:FACTORY", help="Judge f(x) = w·x with these weights, or this module."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for a page; none if not given.", rich_help_panel=o.OUTPUT)
    ] = None,
    json: o.Json = None,
    seed: o.Seed = 0,
    quiet: o.Quiet = False,
) -> None:
    """The Wasserstein-1 distance between two samples, exactly, with its proof; and whether a critic attains it."""
    from snellen.exam.transport import examine_transport
    from snellen.subject.load.points import load_points

    o.check_destinations(out, json)
    judged: tuple[float, ...] | nn.Module | None = None
    if critic is not None:
        judged = _module(critic) if re.search("[A-Za-z_]{2}", critic) else o.numbers(critic, "--critic")
    found = examine_transport(load_points(a), load_points(b), critic=judged, names=(a, b), seed=seed)
    deliver(found, out=out, json_to=json, quiet=True)
    if not quiet and json != "-":
        say(_told(found))
        if out is not None:
            say(f"\nThe page: {out / 'index.html'}\n")


def _module(spec: str) -> "nn.Module":
    from snellen.subject.load.factory import factory_network

    return factory_network(spec).module


def _told(findings: "Findings") -> str:
    """Each finding with its steps."""
    from snellen.exam._transport_findings import STEPS
    from snellen.findings.evidence import Table

    parts = []
    for finding in findings:
        steps = [e for e in finding.evidence if isinstance(e, Table) and e.title == STEPS]
        rows = "".join(f"  {i}. {what}: {how}\n" for table in steps for i, what, how in table.rows)
        remedy = f"→ {finding.remedy}\n" if finding.remedy else ""
        parts.append(f"{finding.title}\n{rows}{finding.sentence}\n{remedy}")
    return "\n".join(parts)
