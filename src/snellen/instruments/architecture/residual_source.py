"""The Python of a network with a residual connection: its own source with two lines more, or a class that results."""

import ast
import copy
import difflib
import inspect
import linecache
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from types import FunctionType
from typing import Any

import torch
from torch import nn

from snellen._errors import NotApplicable
from snellen.instruments.architecture._call_sites import Site, sites
from snellen.instruments.architecture._class_text import constructor_edits, sequential_text, subclass_text
from snellen.instruments.architecture._source_edit import Source, Wording, connect, free
from snellen.instruments.architecture.residual import Residual, noise, owner_of
from snellen.subject.quiet import quiet


@dataclass(frozen=True)
class Written:
    """A changed network as Python.

    Attributes:
        text: of the file.
        diff: against the file it comes from, unified; "" where there is none.
        class_name: the class that has changed.
        origin: the file it comes from, or "".
        note: how it is used.
    """

    text: str
    diff: str
    class_name: str
    origin: str
    note: str


def residual_source(network: nn.Module, added: Residual, *, input_shape: tuple[int, ...]) -> Written:
    """Write the connection that :func:`add_residual` made as source.

    Where one method of a class calls both modules by their names, two lines are inserted: ``residual = x`` before the
    first call and ``x = x + residual`` behind the second; everything else, comments too, stays as it is. A call inside
    a longer expression is amended in its place, a child of an ``nn.Sequential`` by cutting the Sequential in two. For a
    class of the user's own file the result is that file; for a class of an installed package it is a subclass with
    the changed method; for a network that is an ``nn.Sequential`` it is a class with its forward written out.

    The edited method is run on noise and compared with ``added.network``, so what is returned computes the same.

    Args:
        network: the one that ``added`` was made from.
        added: what was made.
        input_shape: without the batch.

    Raises:
        NotApplicable: the source is not there, does not name the calls, names them more than once, or cannot be
            edited without doing something else.

    Reference: the edit is that of IN5400 exam 2021, exercise 1b.
    """
    path = owner_of(network, added.start, added.end)
    owner = network.get_submodule(path)
    if type(owner).forward is nn.Sequential.forward:
        return _written_out(network, added, input_shape)
    start, end = (name[len(path) + 1 :] if path else name for name in (added.start, added.end))
    function, home = _method(owner, start, end)
    instances = sum(isinstance(module, home) for module in network.modules())
    if instances > 1:
        raise NotApplicable(
            f"{home.__name__} is used {instances} times in the network, and an edit of its {function.__name__} would "
            "change them all"
        )
    lines = _lines(function)
    text = "".join(lines)
    node = _definition(ast.parse(text), function)
    assert node is not None
    calls = [sites(node, owner, name) for name in (start, end)]
    name = added.projection.rpartition(".")[2]
    taken = _names(node)
    variable = free("residual", taken)
    called = f"{node.args.args[0].arg}.{name}({variable})" if name else variable
    source = Source(text)
    edits = connect(source, calls[0][0], calls[1][0], Wording(variable, called, added.in_place, taken))
    method = _method_text(source.changed(edits), function)
    _compare(network, added, path, _subclass(home, method, function), input_shape)
    file = inspect.getsourcefile(function) or ""
    if _is_installed(file):
        text, name = subclass_text(type(owner), method, function, added)
        where = f"the class of {path}" if path else "the network's class"
        return Written(text, "", name, "", f"{name} is {where}, to be built with the same arguments")
    if name:
        edits += constructor_edits(source, ast.parse(text), home, node, added)
    changed = source.changed(edits)
    diff = _diff(Path(file).name, lines, list(StringIO(changed)))
    note = f"{home.__name__} has the connection"
    if home is not type(owner):
        note += (
            f"; {type(owner).__name__} inherits its {function.__name__} from {home.__name__}, so every other class "
            "that inherits it gets the connection too"
        )
    return Written(changed, diff, home.__name__, file, note)


def _diff(name: str, old: list[str], new: list[str]) -> str:
    """Unified, with two lines around. ``difflib.unified_diff`` overlooks lines that are frequent in a long file."""
    told = [f"--- {name}\n", f"+++ {name}, changed\n"]
    for group in difflib.SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(2):
        first, last = group[0], group[-1]
        told.append(f"@@ -{first[1] + 1},{last[2] - first[1]} +{first[3] + 1},{last[4] - first[3]} @@\n")
        for tag, a, b, c, d in group:
            told += [f"{' ' if tag == 'equal' else '-'}{line}" for line in old[a:b]]
            told += [f"+{line}" for line in new[c:d] if tag != "equal"]
    return "".join(told)


def _method(owner: nn.Module, start: str, end: str) -> tuple[FunctionType, type[nn.Module]]:
    """The one method that calls both modules once, and the class that defines it."""
    found, seen, readable = [], {start: 0, end: 0}, False
    for function, kind in _functions(type(owner)):
        lines = _lines(function)
        node = _definition(ast.parse("".join(lines)), function) if lines else None
        if node is None:
            continue
        readable = True
        calls: dict[str, list[Site]] = {name: sites(node, owner, name) for name in (start, end)}
        for name in calls:
            seen[name] += len(calls[name])
        if all(calls.values()):
            found.append((function, kind))
    if not readable:
        raise NotApplicable(f"the source of {type(owner).__name__} is not there, or has changed since it was read")
    for name, times in seen.items():
        if times != 1:
            told = "does not name the call" if not times else f"calls it in {times} places"
            how = "; it may be called in a loop, or through another name" if not times else ""
            raise NotApplicable(f"the source of {type(owner).__name__} {told} of {name}{how}")
    if len(found) != 1:
        raise NotApplicable(f"{start} and {end} are called in two different methods of {type(owner).__name__}")
    return found[0]


def _functions(kind: type) -> Iterator[tuple[FunctionType, type[nn.Module]]]:
    """The methods that a module's class has from its own classes, each with the class that defines it."""
    for home in kind.__mro__:
        if home is nn.Module or not issubclass(home, nn.Module):
            continue
        for function in map(inspect.unwrap, vars(home).values()):
            if isinstance(function, FunctionType) and function.__name__ != "__init__":
                yield function, home


def _lines(function: FunctionType) -> list[str]:
    """Of the file that a function stands in; none if it is not there."""
    file = function.__code__.co_filename
    linecache.checkcache(file)
    return linecache.getlines(file, function.__globals__)


def _definition(tree: ast.AST, function: FunctionType) -> ast.FunctionDef | None:
    """The node that a function was made from, by its name and first line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == function.__name__:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if first == function.__code__.co_firstlineno:
                return node
    return None


def _names(method: ast.FunctionDef) -> frozenset[str]:
    """Variables and arguments of a method."""
    found = (n.id if isinstance(n, ast.Name) else n.arg for n in ast.walk(method) if isinstance(n, ast.Name | ast.arg))
    return frozenset(found)


def _method_text(text: str, function: FunctionType) -> str:
    """The edited method, from its first decorator on, without its indent."""
    node = _definition(ast.parse(text), function)
    assert node is not None
    first = function.__code__.co_firstlineno
    return textwrap.dedent("".join(list(StringIO(text))[first - 1 : node.end_lineno]))


def _subclass(home: type, method: str, function: FunctionType) -> type:
    """A subclass with the method, compiled among the names that the original sees."""
    names = {**function.__globals__, "_Home": home}
    exec(f"class _Edited(_Home):\n{textwrap.indent(method, '    ')}", names)
    edited = names["_Edited"]
    assert isinstance(edited, type)
    return edited


def _compare(network: nn.Module, added: Residual, path: str, edited: type, shape: tuple[int, ...]) -> None:
    """Run the edit and the hooks on the same noise."""
    twin = copy.deepcopy(network)
    owner = twin.get_submodule(path)
    if added.projection:
        owner.add_module(added.projection.rpartition(".")[2], added.network.get_submodule(added.projection))
    kind = type(owner)
    owner.__class__ = edited if edited.__base__ is kind else type(kind.__name__, (edited, kind), {})
    _same_outputs(twin, added.network, shape)


def _same_outputs(twin: nn.Module, changed: nn.Module, shape: tuple[int, ...]) -> None:
    outputs = []
    for module in (twin, changed):
        with quiet(module, seed=0), torch.no_grad():
            try:
                outputs.append(module(noise(module, shape)))
            except Exception as error:
                raise NotApplicable(f"the edited source does not run: {type(error).__name__}: {error}") from error
    for one, other in zip(_tensors(outputs[0]), _tensors(outputs[1]), strict=True):
        if one.shape != other.shape or not torch.allclose(one, other, rtol=1e-5, atol=1e-6, equal_nan=True):
            raise NotApplicable("the edited source would compute something else than the connection")


def _tensors(output: Any) -> Iterator[torch.Tensor]:
    if isinstance(output, torch.Tensor):
        yield output
    elif isinstance(output, dict | list | tuple):
        for part in output.values() if isinstance(output, dict) else output:
            yield from _tensors(part)


def _written_out(network: nn.Module, added: Residual, shape: tuple[int, ...]) -> Written:
    text, name = sequential_text(network, added)
    names: dict[str, Any] = {}
    exec(text, names)
    with torch.random.fork_rng(devices=[]):
        twin: nn.Module = names[name](copy.deepcopy(network))
    twin.load_state_dict(added.network.state_dict())
    _same_outputs(twin, added.network, shape)
    return Written(text, "", name, "", f"{name}(old) takes over the layers of the old network")


def _is_installed(file: str) -> bool:
    """Whether a file belongs to a package, and is not the user's to edit."""
    own = Path(__file__).resolve().parents[2]
    path = Path(file).resolve()
    return any(part in ("site-packages", "dist-packages") for part in path.parts) or path.is_relative_to(own)
