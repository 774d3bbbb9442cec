"""A residual connection written into the text of a method: insertions only, all other lines stay as they are."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import pairwise

from snellen._errors import NotApplicable
from snellen.instruments.architecture._call_sites import Site

_PLAIN = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Return, ast.Expr)


@dataclass(frozen=True)
class Edit:
    """Put ``text`` in the place of the bytes from ``begin`` to ``end``."""

    begin: int
    end: int
    text: str


@dataclass(frozen=True)
class Wording:
    """How the connection reads: the variable that keeps the input, what is added, whether a copy is kept.

    ``taken`` are the names that the method uses.
    """

    variable: str
    added: str
    clone: bool
    taken: frozenset[str]

    def free(self, name: str) -> str:
        """A name for another variable: this one, if it is one and not taken."""
        return free(name if name.isidentifier() else "maps", self.taken)

    @property
    def copied(self) -> str:
        """What follows the value that is kept."""
        return ".clone()" if self.clone else ""


def free(name: str, taken: frozenset[str]) -> str:
    """The name, or the first of name_2, name_3 ... that is not taken.

    >>> free("x", frozenset({"x", "x_2"}))
    'x_3'
    """
    return next(n for i in range(1, len(taken) + 2) if (n := name if i == 1 else f"{name}_{i}") not in taken)


class Source:
    """A file's text, addressed by the line and the column in bytes that ``ast`` gives."""

    def __init__(self, text: str) -> None:
        self.lines = [line.encode() for line in StringIO(text)]
        self.begins = [0]
        for line in self.lines:
            self.begins.append(self.begins[-1] + len(line))

    def at(self, line: int, column: int) -> int:
        """The offset of a place."""
        return self.begins[line - 1] + column

    def text(self, node: ast.expr) -> str:
        """What a node reads."""
        whole = b"".join(self.lines)
        return whole[slice(*self.span(node))].decode()

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """From where to where a node stands."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.at(node.lineno, node.col_offset), self.at(node.end_lineno, node.end_col_offset)

    def indent(self, statement: ast.stmt) -> str | None:
        """The white space before a statement; None where something else stands before it on its line."""
        before = self.lines[statement.lineno - 1][: statement.col_offset].decode()
        return None if before.strip() else before

    def closes_its_line(self, statement: ast.stmt) -> bool:
        """Whether nothing but a comment follows on its last line."""
        assert statement.end_lineno is not None
        rest = self.lines[statement.end_lineno - 1][statement.end_col_offset :].decode().strip()
        return not rest or rest.startswith("#")

    def changed(self, edits: Sequence[Edit]) -> str:
        """The text with all edits made."""
        whole = b"".join(self.lines)
        ordered = sorted(edits, key=lambda e: (e.begin, e.end))
        for one, other in pairwise(ordered):
            if other.begin < one.end:
                raise NotApplicable(f"the two calls stand inside each other: {whole[one.begin : one.end].decode()}")
        for edit in reversed(ordered):
            whole = whole[: edit.begin] + edit.text.encode() + whole[edit.end :]
        return whole.decode()


def connect(source: Source, start: Site, end: Site, wording: Wording) -> list[Edit]:
    """The edits that keep the input of one call and add it to the output of another."""
    if _end(start.call) > _end(end.call) or start.blocks != end.blocks[: len(start.blocks)] or not start.sure:
        raise NotApplicable(
            f"lines {start.call.lineno} and {end.call.lineno}: the first call is not always made before the second"
        )
    if start.call is end.call and start.place is not None and end.place is not None:
        return _staged(source, start, start.place[0], end.place[0], wording)
    first, last = _place(start)[0], _place(end)
    kept = _kept(source, start, wording) if first == 0 else _staged(source, start, first, None, wording)
    whole = last[0] == last[1] - 1
    return [*kept, *(_added(source, end, wording) if whole else _staged(source, end, None, last[0], wording))]


def _end(call: ast.Call) -> tuple[int, int]:
    return call.end_lineno or 0, call.end_col_offset or 0


def _place(site: Site) -> tuple[int, int]:
    return site.place or (0, 1)


def _argument(call: ast.Call) -> tuple[ast.expr, bool]:
    """The argument that is kept, and whether it is given by its name."""
    if call.args and not isinstance(call.args[0], ast.Starred):
        return call.args[0], False
    if not call.args and len(call.keywords) == 1 and call.keywords[0].arg:
        return call.keywords[0].value, True
    raise NotApplicable(f"line {call.lineno}: the call does not say which argument the connection comes from")


def _kept(source: Source, site: Site, wording: Wording) -> list[Edit]:
    argument, named = _argument(site.call)
    indent = source.indent(site.statement)
    rebinds = any(isinstance(node, ast.NamedExpr) for node in ast.walk(site.statement))
    if isinstance(argument, ast.Name) and isinstance(site.statement, _PLAIN) and indent is not None and not rebinds:
        where = source.at(site.statement.lineno, 0)
        return [Edit(where, where, f"{indent}{wording.variable} = {argument.id}{wording.copied}\n")]
    begin, end = source.span(argument)
    bracket = named or wording.clone
    head = f"{'(' if bracket else ''}{wording.variable} := "
    tail = f"{')' if bracket else ''}{wording.copied}"
    return [Edit(begin, begin, head), *([Edit(end, end, tail)] if tail else [])]


def _added(source: Source, site: Site, wording: Wording) -> list[Edit]:
    target = _target(source, site)
    statement = site.statement
    if target is not None:
        where = source.at((statement.end_lineno or 0) + 1, 0)
        return [Edit(where, where, f"{source.indent(statement)}{target} = {target} + {wording.added}\n")]
    begin, end = source.span(site.call)
    if _stands_alone(site):
        return [Edit(end, end, f" + {wording.added}")]
    return [Edit(begin, begin, "("), Edit(end, end, f" + {wording.added})")]


def _target(source: Source, site: Site) -> str | None:
    """The name that a statement of its own line gives the call's output to: ``x`` of ``x = self.a(y)``."""
    statement = site.statement
    if not isinstance(statement, ast.Assign) or statement.value is not site.call or len(statement.targets) != 1:
        return None
    target = statement.targets[0]
    alone = source.indent(statement) is not None and source.closes_its_line(statement)
    return target.id if isinstance(target, ast.Name) and alone else None


def _stands_alone(site: Site) -> bool:
    """Whether a sum may stand where the call stands without brackets."""
    called = isinstance(site.parent, ast.Call) and site.parent.func is site.call
    return isinstance(site.parent, (*_PLAIN, ast.Call, ast.keyword)) and not called


def _staged(source: Source, site: Site, keep: int | None, add: int | None, wording: Wording) -> list[Edit]:
    """A call of a whole Sequential, cut before the child ``keep`` and behind the child ``add``: a line for each."""
    value = source.text(_argument(site.call)[0])
    target, indent = _target(source, site), source.indent(site.statement)
    rebinds = any(isinstance(node, ast.NamedExpr) for node in ast.walk(site.statement))
    if indent is None or not isinstance(site.statement, _PLAIN) or not site.sure or rebinds:
        raise NotApplicable(f"line {site.call.lineno}: the Sequential is called in a line that cannot be taken apart")
    name, size = source.text(site.call.func), _place(site)[1]
    variable = target or wording.free(name.rpartition(".")[2])
    cuts = sorted({0, size, *([keep] if keep is not None else []), *([add + 1] if add is not None else [])})
    lines = []
    for begin, end in pairwise(cuts):
        if begin == keep:
            lines.append(f"{wording.variable} = {value}{wording.copied}")
        lines.append(f"{variable} = {name}{_slice(begin, end, size)}({value})")
        value = variable
        if add is not None and end == add + 1:
            lines.append(f"{variable} = {variable} + {wording.added}")
    first, last = source.span(site.statement if target else site.call)
    if target:
        return [Edit(first, last, f"\n{indent}".join(lines))]
    before = source.at(site.statement.lineno, 0)
    return [Edit(before, before, "".join(f"{indent}{line}\n" for line in lines)), Edit(first, last, variable)]


def _slice(begin: int, end: int, size: int) -> str:
    if (begin, end) == (0, size):
        return ""
    if end - begin == 1:
        return f"[{begin}]"
    return f"[{begin or ''}:{end if end < size else ''}]"
