"""``snellen graph``: a graph of neurons, what kind of network it is, its drawing, and the chain rule over it."""

import textwrap
from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from snellen._errors import UsageError
from snellen.cli import options as o
from snellen.cli.console import say, verb, visible, write_json
from snellen.cli.conv import read_sizes

if TYPE_CHECKING:
    from snellen.instruments.graphs.against_autograd import Confirmation
    from snellen.instruments.graphs.chain_rule import ChainRule
    from snellen.instruments.graphs.neuron_graph import NeuronGraph
    from snellen.instruments.graphs.structure import Structure

TOLERANCE = 1e-10
WIDTH = 100
GRADIENT = "Gradient"


@verb
def graph(
    table: Annotated[
        str,
        typer.Argument(
            metavar="TABLE",
            help="A table in CSV, TSV or Markdown whose rows feed its columns, or a list of lines a -> b: a file, or "
            "the list itself, as in 'x -> a -> e, x -> e'. With --input: a network.",
        ),
    ],
    size: Annotated[
        str | None, typer.Option("--input", help="TABLE is a network; its channels and size: 3x224x224.")
    ] = None,
    draw: Annotated[Path | None, typer.Option(metavar="FILE.svg", help="Draw it.", rich_help_panel=o.OUTPUT)] = None,
    inputs: Annotated[
        str | None, typer.Option(help="Names, commas between. If not given: what no other neuron feeds.")
    ] = None,
    outputs: Annotated[
        str | None, typer.Option(help="Names, commas between. If not given: what feeds no other neuron.")
    ] = None,
    gradient: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="E X", help="The derivative of E by X, factored.", rich_help_panel=GRADIENT),
    ] = None,
    latex: Annotated[
        bool, typer.Option("--latex", help="Print the derivative in LaTeX.", rich_help_panel=GRADIENT)
    ] = False,
    check: Annotated[
        bool,
        typer.Option("--check", help="Confirm it by autograd: random weights, tanh.", rich_help_panel=GRADIENT),
    ] = False,
    unroll: Annotated[
        int | None, typer.Option(min=1, metavar="T", help="Unroll a recurrent network for T time steps.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of --check.", rich_help_panel=GRADIENT)] = 0,
    json: o.Json = None,
) -> None:
    """Say what kind of network a graph of neurons is, draw it, and write down derivatives by the chain rule."""
    from snellen.instruments.graphs.structure import structure

    if gradient is None and (latex or check):
        raise UsageError(f"--{'latex' if latex else 'check'} is about a derivative: give --gradient E X too")
    if draw is not None and draw.suffix != ".svg":
        raise UsageError(f"--draw writes SVG; name a file that ends in .svg, got {draw}")
    net = read(table) if size is None else _traced(table, read_sizes(size, "--input"))
    given, last = names(inputs), names(outputs)
    if gradient is not None:
        gradient = (_timed(net, gradient[0], unroll), _timed(net, gradient[1], unroll and 1))
    told = structure(net, inputs=given, outputs=last or _output(net, gradient))
    if len(told.outputs) > 1 and not last:
        raise UsageError(
            f"the graph has {len(told.outputs)} outputs, neurons that feed no other: {listed(told.outputs)}. Say which "
            "are meant, such as --outputs " + told.outputs[0] + "; the others are then dead ends."
        )
    story = _story(net, told)
    if unroll is not None:
        net, told = _unrolled(net, told, unroll)
        story += f"\nUnrolled for {unroll} time step{'s' * (unroll > 1)}: {_size(net)}.\n"
    rule = confirmed = None
    if gradient is not None:
        from snellen.instruments.graphs.chain_rule import chain_rule

        rule = chain_rule(net, *gradient)
        story += "\n" + _lines(rule.latex if latex else rule.text) + "\n" + _counts(rule)
    if rule is not None and check:
        confirmed = _confirmed(net, rule, seed)
        story += _said(confirmed, seed)
    if draw is not None:
        _draw(net, told, rule, draw)
        story += f"\nDrawn in {draw}\n"
    if json is not None:
        write_json(_document(net, told, rule, confirmed), json)
    if json != "-":
        say(visible(story))


def read(table: str) -> "NeuronGraph":
    """A graph from a file, or from a list of connections in the argument itself."""
    from snellen.instruments.graphs.read_table import read_graph

    if ("->" in table or "→" in table) and not Path(table).exists():
        return read_graph(table, name="the list")
    if not Path(table).is_file():
        raise FileNotFoundError(
            f"there is no file {table!r}; expected one with a table or lines a -> b, or the lines themselves. "
            "A network needs --input, such as 3x224x224."
        )
    try:
        text = Path(table).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{table} is no text in UTF-8 ({error.reason} at byte {error.start}); save it as one"
        ) from None
    return read_graph(text, name=table)


def _traced(spec: str, shape: tuple[int, ...]) -> "NeuronGraph":
    """The operations of a network."""
    from snellen.instruments.architecture.wiring import wiring
    from snellen.instruments.graphs.traced import traced
    from snellen.subject.load.outline import outlined

    load = partial(
        o.the_network, spec, weights=None, sidecar=None, scale=(None, None), fit=(None, None, None), classes=None
    )
    return traced(wiring(outlined(load), shape))


def names(text: str | None) -> tuple[str, ...]:
    """``x1, x2`` as two names."""
    return tuple(name.strip() for name in text.split(",") if name.strip()) if text else ()


def _timed(net: "NeuronGraph", name: str, step: int | None) -> str:
    """The name at a time step: the one that it says itself, or this one."""
    from snellen.instruments.graphs.unrolled import at

    if step is None:
        return net.check(name)
    bare, bracket, _ = name.rpartition("[")
    return name if bracket and bare in net.children else at(net.check(name), step)


def _output(net: "NeuronGraph", gradient: tuple[str, str] | None) -> tuple[str, ...]:
    """What is differentiated is the output that is meant, if it feeds no other neuron."""
    if gradient is None:
        return ()
    name = gradient[0] if gradient[0] in net.children else gradient[0].rpartition("[")[0]
    return (name,) if set(net.children[name]) <= {name} else ()


def _unrolled(net: "NeuronGraph", told: "Structure", steps: int) -> "tuple[NeuronGraph, Structure]":
    from snellen.instruments.graphs.structure import structure
    from snellen.instruments.graphs.unrolled import at, unrolled

    def copies(found: tuple[str, ...]) -> list[str]:
        return [at(name, step) for step in range(1, steps + 1) for name in found]

    copied = unrolled(net, steps)
    return copied, structure(copied, inputs=copies(told.inputs), outputs=copies(told.outputs))


def _size(net: "NeuronGraph") -> str:
    n, m = len(net.nodes), len(net.weights)
    return f"{n:,} neuron{'s' * (n != 1)}, {m:,} connection{'s' * (m != 1)}"


def _story(net: "NeuronGraph", told: "Structure") -> str:
    """What the graph is, a sentence a line."""
    lines = [
        f"{_size(net)}. Inputs: {listed(told.inputs) or 'none'}. Output{'s' * (len(told.outputs) > 1)}: "
        f"{listed(told.outputs) or 'none'}."
    ]
    if told.recurrent:
        reasons = []
        if told.self_loops:
            one = len(told.self_loops) == 1
            itself = "feeds itself (self-loop)" if one else "feed themselves (self-loops)"
            reasons.append(f"{listed(told.self_loops)} {itself}")
        reasons += [f"the circle {' -> '.join((*circle, circle[0]))}" for circle in told.cycles[:8]]
        lines.append(
            f"Recurrent: {'; '.join(reasons)}. A neuron on a circle depends on its own value, which can only be that "
            "of an earlier time step."
        )
    else:
        paths = f"{counted(told.paths or 0)} path{'s' * (told.paths != 1)} from input to output"
        lines.append(
            "Feed-forward: no path leads from a neuron back to itself. "
            f"The longest path has {told.depth} connection{'s' * (told.depth != 1)}; {paths}."
        )
    if len(told.pieces) > 1:
        pieces = " | ".join(listed(piece) for piece in told.pieces[:8])
        lines.append(f"Disconnected, in {len(told.pieces)} pieces: {pieces}.")
    if told.unreachable:
        lines.append(f"No path leads from an input to: {listed(told.unreachable)}.")
    if told.dead_ends:
        lines.append(f"Dead ends, from which no path leads to an output: {listed(told.dead_ends)}.")
    return "".join("\n".join(textwrap.wrap(line, WIDTH, break_on_hyphens=False)) + "\n" for line in lines)


def listed(found: Sequence[str]) -> str:
    """``A, B and C``; of many, the first."""
    if len(found) > 12:
        return ", ".join(found[:12]) + f" and {len(found) - 12:,} more"
    return " and ".join(filter(None, (", ".join(found[:-1]), *found[-1:])))


def _lines(text: str) -> str:
    """A line for each term; long ones go on, indented, from a sign on, or between fractions in LaTeX."""
    said = ""
    for line in text.splitlines():
        tied = _fractions_whole(line).replace(" · ", " ·\N{NO-BREAK SPACE}").replace(" + ", " +\N{NO-BREAK SPACE}")
        parts = textwrap.wrap(tied, WIDTH, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
        said += "\n".join(parts).replace("\N{NO-BREAK SPACE}", " ") + "\n"
    return said


def _fractions_whole(line: str) -> str:
    """With spaces that do not break in all that stands in braces."""
    depth, tied = 0, ""
    for letter in line:
        depth += (letter == "{") - (letter == "}")
        tied += "\N{NO-BREAK SPACE}" if letter == " " and depth > 0 else letter
    return tied


def _counts(rule: "ChainRule") -> str:
    saved = rule.expanded_multiplications - rule.multiplications
    return (
        f"{counted(rule.paths)} path{'s' * (rule.paths != 1)}. Multiplications: {counted(rule.multiplications)} as "
        f"written, {counted(rule.expanded_multiplications)} multiplied out, {counted(saved)} saved.\n"
    )


def counted(number: int) -> str:
    """A number of any size: exact up to 15 digits.

    >>> counted(1_234_567), counted(2**100)
    ('1,234,567', '1.268e+30')
    """
    return f"{number:,}" if abs(number) < 10**15 else f"{Decimal(number):.3e}"


def _confirmed(net: "NeuronGraph", rule: "ChainRule", seed: int) -> "Confirmation":
    from snellen.instruments.graphs.against_autograd import against_autograd

    found = against_autograd(net, rule, seed=seed)
    if found.difference > TOLERANCE or found.paths != rule.paths:
        raise RuntimeError(f"the expression for d{rule.of}/d{rule.to} is wrong: {found}, {rule.paths} paths")
    return found


def _said(found: "Confirmation", seed: int) -> str:
    return (
        f"Checked with random weights (seed {seed}): {found.value:.12g} as written, {found.autograd:.12g} by autograd,"
        f"\nrelative difference {found.difference:.1e} (at most {TOLERANCE:.0e}).\n"
    )


def _draw(net: "NeuronGraph", told: "Structure", rule: "ChainRule | None", file: Path) -> None:
    from snellen._atomic import write_file
    from snellen.report.graph_svg import graph_svg

    marked = () if rule is None or not rule.paths else tuple(net.between(rule.to, rule.of).weights)
    svg = graph_svg(
        net.nodes,
        net.weights,
        inputs=told.inputs,
        outputs=told.outputs,
        feedback=told.feedback,
        marked=marked,
        title=f"Graph of {_size(net)}",
    )
    write_file(file, svg)


def _document(
    net: "NeuronGraph", told: "Structure", rule: "ChainRule | None", confirmed: "Confirmation | None"
) -> dict[str, Any]:
    """All that is said, for a machine."""
    from dataclasses import asdict

    from snellen.findings.findings import SCHEMA_VERSION

    kind = {"kind": "recurrent" if told.recurrent else "feed-forward"}
    document: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "neurons": net.nodes,
        "connections": [[source, target, weight] for (source, target), weight in net.weights.items()],
        "structure": kind | asdict(told),
    }
    if rule is not None:
        document["gradient"] = {
            "of": rule.of,
            "to": rule.to,
            "text": rule.text.splitlines(),
            "latex": rule.latex,
            "paths": rule.paths,
            "expanded_multiplications": rule.expanded_multiplications,
            "multiplications": rule.multiplications,
        }
    if confirmed is not None:
        document["check"] = asdict(confirmed)
    return document
