"""The graph of a loss as autograd holds it: its nodes, and which parameters they come from."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor

WEIGHTLIKE = ("T", "Transpose", "View", "UnsafeView", "ReshapeAlias", "ToCopy", "Expand", "Unsqueeze", "Squeeze")
"""Operations between a parameter and where it is applied that leave its numbers."""


def nodes(root: Any) -> Iterator[Any]:
    """Every node that a gradient from ``root`` visits, once.

    >>> import torch
    >>> weight = torch.ones(2, requires_grad=True)
    >>> [kind(node) for node in nodes((weight * 2).sum().grad_fn)]
    ['Sum', 'Mul', 'torch::autograd::AccumulateGrad']
    """
    seen: set[Any] = {root}
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        for before in inputs(node):
            if before is not None and before not in seen:
                seen.add(before)
                waiting.append(before)


def inputs(node: Any) -> tuple[Any, ...]:
    """The nodes that made what this one was given; None for what needs no gradient."""
    return tuple(before for before, _ in node.next_functions)


def kind(node: Any) -> str:
    """Its operation: ``Relu`` for ``ReluBackward0``. A function of the user's own, without a number, keeps its name."""
    return re.sub(r"Backward\d+$", "", str(node.name()))


def parameter_of(node: Any, named: Mapping[int, str]) -> tuple[str, Tensor, int] | None:
    """Name and tensor of the parameter that a node hands on unchanged, and how often it was transposed on the way."""
    turned = 0
    while node is not None:
        if hasattr(node, "variable"):
            name = named.get(id(node.variable))
            return None if name is None else (name, node.variable, turned)
        if kind(node) not in WEIGHTLIKE:
            return None
        turned += kind(node) in ("T", "Transpose")
        node = inputs(node)[0]
    return None


def names_below(node: Any, named: Mapping[int, str]) -> frozenset[str]:
    """The parameters that a gradient from this node reaches."""
    leaves = (n.variable for n in nodes(node) if hasattr(n, "variable"))
    return frozenset(named[id(leaf)] for leaf in leaves if id(leaf) in named)
