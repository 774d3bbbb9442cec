"""A graph from text: a table in CSV, TSV or Markdown, or a list of connections."""

import csv
import itertools
import math
import re
from collections.abc import Sequence

from snellen._errors import UsageError, unknown
from snellen.instruments.graphs.neuron_graph import NeuronGraph

_ARROW = re.compile(r"\s*(?:->|→)\s*")
_RULE = re.compile(r"\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?")


def read_graph(text: str, *, name: str = "the table") -> NeuronGraph:
    """Read an adjacency table whose rows feed its columns, or a list of connections.

    A table has the neurons' names in its first row and in its first column; a cell is empty or 0 where there is no
    connection, else 1 or a weight. Its rows may stand in another order than its columns; the row of zeros of one output
    may be left out. The columns are parted by
    commas, semicolons or tabs, or by ``|`` as in Markdown. A list has a connection a line, ``a -> b``, also
    ``a -> b -> c``, and ``a -> b: 0.5`` with a weight; commas may stand for line ends, ``#`` begins a comment.

    Args:
        text: the whole of it.
        name: what messages call it, such as the name of the file.

    Raises:
        UsageError: it is empty, not square, names a neuron twice or one that has no column, or has a cell that is no
            number.

    >>> read_graph("| | A | F |\\n|---|---|---|\\n| A | 0 | 1 |\\n| F | 0 | 0 |").weights
    {('A', 'F'): 1.0}
    >>> read_graph("x1 -> a -> e, x1 -> e").nodes
    ('x1', 'a', 'e')
    """
    lines = [line for line in text.lstrip("\N{ZERO WIDTH NO-BREAK SPACE}").splitlines() if line.strip()]
    if not lines:
        raise UsageError(f"{name} is empty; expected a table of neurons, or lines such as a -> b")
    if any(_ARROW.search(line.partition("#")[0]) for line in lines) and not lines[0].lstrip().startswith("|"):
        return _list(lines, name)
    return _table(_rows(lines, name), name)


def _list(lines: Sequence[str], name: str) -> NeuronGraph:
    nodes: dict[str, None] = {}
    weights: dict[tuple[str, str], float] = {}
    for line in lines:
        for part in re.split(r"[,;]", line.partition("#")[0]):
            if not part.strip():
                continue
            chain, colon, told = part.partition(":")
            names = [word.strip() for word in _ARROW.split(chain.strip())]
            if not all(names):
                raise UsageError(f"{name}: {part.strip()!r} names no neuron at one end; write a -> b")
            nodes.update(dict.fromkeys(names))
            weight = _weight(told, f"{name}: the weight of {chain.strip()}") if colon else 1.0
            for pair in itertools.pairwise(names):
                if pair in weights:
                    raise UsageError(f"{name} has {pair[0]} -> {pair[1]} twice; write each connection once")
                if weight:
                    weights[pair] = weight
    return NeuronGraph(tuple(nodes), weights)


def _rows(lines: Sequence[str], name: str) -> list[list[str]]:
    """The cells of the table, the names of the first row with them."""
    if lines[0].lstrip().startswith("|") or _RULE.fullmatch((*lines, "")[1].strip() or "x"):
        return _markdown(lines, name)
    mark = next((mark for mark in "\t;" if mark in lines[0]), ",")
    return [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=mark)]


def _markdown(lines: Sequence[str], name: str) -> list[list[str]]:
    rules = [i for i, line in enumerate(lines) if _RULE.fullmatch(line.strip()) and "-" in line]
    if rules != [1]:
        found = "no line of dashes under its names" if not rules else "more than one table, or lines before it"
        raise UsageError(f"{name} has {found}; expected one Markdown table and nothing else")
    bare = [line.strip().removeprefix("|").removesuffix("|") for line in (lines[0], *lines[2:])]
    return [[re.sub(r"^([*_`]+)(.*)\1$", r"\2", cell.strip()) for cell in re.split(r"(?<!\\)\|", row)] for row in bare]


def _table(rows: Sequence[Sequence[str]], name: str) -> NeuronGraph:
    columns = tuple(rows[0][1:])
    if not columns or not all(columns):
        raise UsageError(
            f"{name}: the first row must hold the names of the neurons after its first cell, with commas, semicolons, "
            "tabs or | between"
        )
    if len(rows) == 1:
        raise UsageError(f"{name} has names and no rows; expected a row for each of {_some(columns)}")
    heads = [row[0] if row else "" for row in rows[1:]]
    if not set(heads) & set(columns):
        raise UsageError(
            f"{name}: no name of the first row ({_some(columns)}) stands in the first column ({_some(heads)}); both "
            "must hold the names of the neurons"
        )
    for head in heads:
        if head not in columns:
            raise UsageError(f"{name} is not square: {unknown('column', head, columns)}")
    if len(set(heads)) < len(heads):
        twice = next(head for i, head in enumerate(heads) if head in heads[:i])
        raise UsageError(f"{name} has two rows named {twice!r}; every neuron needs one row")
    if len(missing := [column for column in columns if column not in set(heads)]) > 1:
        raise UsageError(
            f"{name} is not square: {_many(len(heads), 'row')}, {len(columns)} columns. Rows are missing for "
            f"{_some(missing)}; "
            "only that of one output, a row of zeros, may be left out"
        )
    weights: dict[tuple[str, str], float] = {}
    for head, row in zip(heads, rows[1:], strict=True):
        if len(row) != len(columns) + 1:
            raise UsageError(
                f"{name} is not square: the row {head!r} has {_many(len(row) - 1, 'cell')}, and there are "
                f"{_many(len(columns), 'column')}"
            )
        for column, cell in zip(columns, row[1:], strict=True):
            if cell not in ("0", ""):
                weight = _weight(cell, f"{name}: the cell of row {head!r} and column {column!r}")
                if weight:
                    weights[head, column] = weight
    return NeuronGraph(columns, weights)


def _weight(text: str, what: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = math.nan
    if not math.isfinite(weight):
        raise UsageError(f"{what} must be 0, 1 or another number, got {text.strip()!r}")
    return weight


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
