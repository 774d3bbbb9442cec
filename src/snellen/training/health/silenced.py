"""Terms of a loss that are multiplied by 0, read off its graph."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from snellen.training.health.graph import inputs, kind, names_below, nodes

SUMS = ("Add", "Sub", "Neg", "Div", "Mul", "Sum", "Mean", "Stack", "Cat", "View", "Squeeze", "Unsqueeze", "ToCopy")
"""What joins the terms of a loss."""
LOSSES = ("Loss", "BinaryCrossEntropy", "KlDiv", "SmoothL1", "Huber")


@dataclass(frozen=True)
class Silenced:
    """A loss that is computed and multiplied by 0: its operation, and the names of what it was computed from."""

    loss: str
    parameters: frozenset[str]


def silenced(loss: Tensor, named: Mapping[str, Tensor]) -> tuple[Silenced, ...]:
    """Terms with a factor that is the constant 0 and a loss function of PyTorch in them.

    A sum of outputs or weights times 0, which keeps processes in step, is no loss.

    >>> import torch
    >>> from torch.nn.functional import mse_loss
    >>> a, b = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    >>> value = mse_loss(a, torch.zeros(2)) + 0.0 * mse_loss(b, torch.zeros(2))
    >>> silenced(value, {"a": a, "b": b})
    (Silenced(loss='MseLoss', parameters=frozenset({'b'})),)
    """
    names = {id(p): name for name, p in named.items()}
    found, waiting, seen = [], [loss.grad_fn], set()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen or kind(node) not in SUMS:
            continue
        seen.add(node)
        if kind(node) == "Mul" and _times_zero(node):
            below = next(n for n in inputs(node) if n is not None)
            of = next((k for n in nodes(below) if (k := kind(n)) and any(word in k for word in LOSSES)), None)
            if of is not None:
                found.append(Silenced(of, names_below(below, names)))
        else:
            waiting += inputs(node)
    return tuple(found)


def _times_zero(node: Any) -> bool:
    """One of the two factors asks for no gradient, and is the number 0."""
    given = inputs(node)
    if sum(n is None for n in given) != 1:
        return False
    factor = node._saved_self if given[0] is None else node._saved_other
    return isinstance(factor, Tensor) and factor.numel() == 1 and not bool(factor.any())
