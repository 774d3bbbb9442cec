"""Modules and parameters of a network, also those that it holds where PyTorch does not look.

Those are lists and dicts, plain objects, the closures of functions, and tensors that ask for a gradient.
"""

import functools
import inspect
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor, nn

DEEP = 3  # lists in lists
OWN = frozenset(vars(nn.Module()))
CLOSED = sys.stdlib_module_names | {"torch", "numpy"}
"""Packages whose objects hold nothing of a network's own."""


def modules_of(module: nn.Module) -> dict[str, nn.Module]:
    """All modules by name; those in a Python list have names such as ``blocks[0].conv``.

    >>> class Listed(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.blocks = [nn.Linear(2, 2)]
    >>> list(modules_of(Listed()))
    ['', 'blocks[0]']
    """
    found = dict(module.named_modules())
    known = {id(m) for m in found.values()}
    waiting = list(found.items())
    while waiting:
        name, inner = waiting.pop(0)
        for path, value in _unregistered(inner, name):
            if isinstance(value, nn.Module):
                for below, m in value.named_modules(prefix=path):
                    if id(m) not in known:
                        known.add(id(m))
                        found[below] = m
                        waiting.append((below, m))
    return found


def parameters_of(module: nn.Module) -> dict[str, Tensor]:
    """All parameters by their first name, the registered ones first.

    A plain tensor in an attribute is one if it is a leaf and asks for a gradient.
    """
    found: dict[str, Tensor] = dict(module.named_parameters())
    known = {id(p) for p in found.values()}
    for name, inner in modules_of(module).items():
        own = [(f"{name}.{n}" if name else n, p) for n, p in inner.named_parameters(recurse=False)]
        loose = [(path, p) for path, p in _unregistered(inner, name) if isinstance(p, Tensor)]
        for path, parameter in (*own, *loose):
            if id(parameter) not in known:
                known.add(id(parameter))
                found[path] = parameter
    return found


def _unregistered(module: nn.Module, name: str) -> Iterator[tuple[str, Any]]:
    """Modules and parameters in plain attributes of one module, with their paths."""
    buffers = set(map(id, module._buffers.values())) if isinstance(module, nn.Module) else set()
    for key, value in list(vars(module).items()):
        if key in OWN:
            continue
        path = f"{name}.{key}" if name else key
        if isinstance(value, nn.Module | Tensor | list | tuple | Mapping):
            yield from (found for found in _inside(value, path, DEEP) if id(found[1]) not in buffers)
        else:
            for inner, held in _opened(value):
                yield from _inside(held, f"{path}.{inner}", DEEP - 1)


def _opened(value: Any) -> Iterator[tuple[str, Any]]:
    """What a function has in its closure, a bound method in its owner, a plain object in its attributes."""
    if isinstance(value, functools.partial):
        yield "args", (*value.args, *value.keywords.values())
        value = value.func
    if inspect.ismethod(value):
        value = value.__self__
    if inspect.isfunction(value):
        if (value.__module__ or "").partition(".")[0] not in CLOSED:
            yield from _cells(value)
    elif not isinstance(value, type | nn.Module) and type(value).__module__.partition(".")[0] not in CLOSED:
        held = getattr(value, "__dict__", None)
        yield from list(held.items()) if isinstance(held, dict) else ()


def _cells(function: Any) -> Iterator[tuple[str, Any]]:
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # not filled yet
            continue


def _inside(value: Any, path: str, depth: int) -> Iterator[tuple[str, Any]]:
    if isinstance(value, nn.Module | nn.Parameter):
        yield path, value
    elif isinstance(value, Tensor):
        if value.requires_grad and value.is_leaf:
            yield path, value
    elif depth and isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _inside(inner, f"{path}[{key!r}]", depth - 1)
    elif depth and isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _inside(inner, f"{path}[{number}]", depth - 1)
