"""Weights in a row with nothing between them but linear operations, read off the graph of a loss."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from snellen.training.health.graph import inputs, kind, nodes, parameter_of

HANDS_ON = (
    *("View", "UnsafeView", "ReshapeAlias", "Squeeze", "Unsqueeze", "Clone", "Alias", "ToCopy"),
    *("NativeBatchNorm", "CudnnBatchNorm", "MiopenBatchNorm", "AvgPool2D", "AvgPool3D", "AdaptiveAvgPool2D"),
)
"""Linear, along the first input; a normalisation of the batch is so in evaluation mode."""


@dataclass(frozen=True)
class LinearRun:
    """Matrices or filters in their order, each applied to nothing but what the one before it gave.

    Attributes:
        names: of the parameters.
        widths: inputs and outputs of each, in channels or units.
        whole: the first is applied to data, and no other matrix or filter reaches the loss.
    """

    names: tuple[str, ...]
    widths: tuple[tuple[int, int], ...]
    whole: bool

    @property
    def wide(self) -> tuple[bool, ...]:
        """Between each two: as wide there as at one of the two ends or wider, so that one layer can do what both do."""
        return tuple(
            ahead[1] >= min(ahead[0], behind[1]) for ahead, behind in zip(self.widths, self.widths[1:], strict=False)
        )


@dataclass(frozen=True, eq=False)
class _Applied:
    name: str
    inside: int
    outside: int
    data: Any


def linear_runs(loss: Tensor, named: Mapping[str, Tensor]) -> tuple[LinearRun, ...]:
    """The longest ones, of two weights or more.

    What is between them is followed through views, sums with constants or biases, averages over places and batch
    normalisation. A transposition ends a run (rows and columns mixed in turn are no single matrix), and so do two
    branches that are added, values or weights that are used twice, filters in groups and anything unknown.

    >>> import torch
    >>> from torch import nn
    >>> net = nn.Sequential(nn.Linear(3, 5), nn.Linear(5, 2), nn.ReLU(), nn.Linear(2, 1))
    >>> [run.names for run in linear_runs(net(torch.ones(4, 3)).sum(), dict(net.named_parameters()))]
    [('0.weight', '1.weight')]
    """
    if loss.grad_fn is None:
        return ()
    names = {id(p): name for name, p in named.items()}
    every = list(nodes(loss.grad_fn))
    uses = Counter(before for node in every for before in inputs(node) if before is not None)
    found = {node: applied for node in every if (applied := _applied(node, names, uses)) is not None}
    before = {node: _before(applied.data, names, uses) for node, applied in found.items()}
    followed = set(before.values())
    weights = {n.variable for n in every if hasattr(n, "variable") and n.variable.ndim > 1}
    runs = []
    for last in (node for node in found if node not in followed):
        row = [found[last]]
        at = before[last]
        while at in found and _fits(found[at], row[0]):
            row.insert(0, found[at])
            at = before[at]
        if len(row) > 1:
            whole = row[0].data is None and len(row) == len(weights)
            runs.append(LinearRun(tuple(a.name for a in row), tuple((a.inside, a.outside) for a in row), whole))
    return tuple(runs)


def _applied(node: Any, names: Mapping[int, str], uses: Counter[Any]) -> _Applied | None:
    """The weight that a node applies to data, if it is used this once."""
    operation, given = kind(node), inputs(node)
    if operation == "Convolution":
        place, of = 1, 0
        if node._saved_groups != 1:
            return None
    elif operation in ("Addmm", "Mm"):
        place, of = len(given) - 1, len(given) - 2
    else:
        return None
    held = parameter_of(given[place], names)
    if held is None or held[1].ndim < 2 or parameter_of(given[of], names) is not None or _shared(given[place], uses):
        return None
    name, weight, turned = held
    outside, inside = weight.shape[:2]
    backwards = node._saved_transposed if operation == "Convolution" else turned % 2 == 0
    return _Applied(name, *((outside, inside) if backwards else (inside, outside)), given[of])


def _shared(node: Any, uses: Counter[Any]) -> bool:
    while not hasattr(node, "variable"):
        node = inputs(node)[0]
    return uses[node] > 1


def _before(node: Any, names: Mapping[int, str], uses: Counter[Any]) -> Any:
    """The node that made the data, through what hands them on; None where something else is between."""
    while node is not None and uses[node] == 1:
        operation, given = kind(node), inputs(node)
        if operation in ("Convolution", "Addmm", "Mm"):
            return node
        if operation == "Add":
            rest = [n for n in given if n is not None and parameter_of(n, names) is None]
            if len(rest) != 1:
                return None
            node = rest[0]
        elif operation in HANDS_ON or (operation == "Mean" and node.name().endswith("1")):
            node = given[0]
        else:
            return None
    return None


def _fits(ahead: _Applied, behind: _Applied) -> bool:
    """What comes out goes in as it is, or flattened."""
    return behind.inside % ahead.outside == 0
