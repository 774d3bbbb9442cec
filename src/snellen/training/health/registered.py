"""Modules and parameters of a network, also those that it holds where PyTorch does not look: in lists and dicts."""

from collections.abc import Iterator, Mapping
from typing import Any

from torch import nn

DEEP = 3  # lists in lists
OWN = frozenset(vars(nn.Module()))


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


def parameters_of(module: nn.Module) -> dict[str, nn.Parameter]:
    """All parameters by their first name, the registered ones first."""
    found = dict(module.named_parameters())
    known = {id(p) for p in found.values()}
    for name, inner in modules_of(module).items():
        own = [(f"{name}.{n}" if name else n, p) for n, p in inner.named_parameters(recurse=False)]
        loose = [(path, p) for path, p in _unregistered(inner, name) if isinstance(p, nn.Parameter)]
        for path, parameter in (*own, *loose):
            if id(parameter) not in known:
                known.add(id(parameter))
                found[path] = parameter
    return found


def _unregistered(module: nn.Module, name: str) -> Iterator[tuple[str, Any]]:
    """Modules and parameters in plain attributes of one module, with their paths."""
    for key, value in list(vars(module).items()):
        if key not in OWN and isinstance(value, nn.Module | nn.Parameter | list | tuple | Mapping):
            yield from _inside(value, f"{name}.{key}" if name else key, DEEP)


def _inside(value: Any, path: str, depth: int) -> Iterator[tuple[str, Any]]:
    if isinstance(value, nn.Module | nn.Parameter):
        yield path, value
    elif depth and isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _inside(inner, f"{path}[{key!r}]", depth - 1)
    elif depth and isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _inside(inner, f"{path}[{number}]", depth - 1)
