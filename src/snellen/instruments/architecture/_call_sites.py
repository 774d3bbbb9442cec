"""Where a method calls a submodule by name: ``self.a(x)``, ``self.blocks[0](x)``, a child of ``self.features(x)``."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from torch import nn

from snellen._errors import NotApplicable

Chain: TypeAlias = tuple[tuple[ast.AST, str], ...]
"""The nodes that lead to a node, each with the field in which the next one stands."""
_ELSEWHERE = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.FunctionDef, ast.ClassDef)
_PERHAPS = (ast.IfExp, ast.BoolOp)


@dataclass(frozen=True)
class Site:
    """One call.

    Attributes:
        call: its node.
        statement: the innermost statement around it.
        blocks: the blocks around that statement, outermost first, each as (identity of its owner, field).
        parent: the node that the call is an operand of.
        place: of the child in a Sequential that is called as a whole, and how many there are; None for a call of the
            module itself.
        sure: whether the call is made whenever its statement is.
    """

    call: ast.Call
    statement: ast.stmt
    blocks: tuple[tuple[int, str], ...]
    parent: ast.AST
    place: tuple[int, int] | None
    sure: bool


def sites(method: ast.FunctionDef, owner: nn.Module, name: str) -> list[Site]:
    """Every call of the submodule ``name`` of ``owner`` in one of its methods."""
    if not method.args.args:
        return []
    me, path = method.args.args[0].arg, tuple(name.split("."))
    around = owner.get_submodule(".".join(path[:-1]))
    inside = None
    if len(path) > 1 and type(around) is nn.Sequential:
        inside = (list(around._modules).index(path[-1]), len(around))
    made = []
    for call, chain in (found for line in method.body for found in _calls(line, ((method, "body"),))):
        reference = _reference(call.func, me)
        if reference == path:
            made.append(_site(call, chain, None))
        elif inside is not None and reference == path[:-1]:
            made.append(_site(call, chain, inside))
    return made


def _calls(node: ast.AST, chain: Chain) -> Iterator[tuple[ast.Call, Chain]]:
    """Every call below a node, with the nodes and fields that lead to it."""
    for field, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else (value,):
            if isinstance(child, ast.AST):
                here = (*chain, (node, field))
                if isinstance(child, ast.Call):
                    yield child, here
                yield from _calls(child, here)


def _site(call: ast.Call, chain: Chain, place: tuple[int, int] | None) -> Site:
    inner = chain[1:]
    if any(isinstance(node, _ELSEWHERE) for node, _ in inner):
        raise NotApplicable(f"line {call.lineno}: the call stands in a function or comprehension inside the method")
    last = max(i for i, (node, _) in enumerate(chain) if isinstance(node, ast.stmt) and i > 0)
    statement = chain[last][0]
    assert isinstance(statement, ast.stmt)
    owners = (ast.stmt, ast.ExceptHandler, ast.match_case)
    blocks = tuple((id(node), field) for node, field in chain[:last] if isinstance(node, owners))
    sure = not any(isinstance(node, _PERHAPS) for node, _ in chain[last:])
    return Site(call, statement, blocks, chain[-1][0], place, sure)


def _reference(node: ast.AST, me: str) -> tuple[str, ...] | None:
    """``self.a.b["c"][0]`` as (a, b, c, 0); None for anything else."""
    if isinstance(node, ast.Name) and node.id == me:
        return ()
    if isinstance(node, ast.Attribute):
        own: str | None = node.attr
    elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        own = str(node.slice.value)
    else:
        return None
    before = _reference(node.value, me)
    return None if before is None or own is None else (*before, own)
