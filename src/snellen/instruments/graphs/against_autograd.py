"""A chain rule confirmed by autograd: random weights, tanh neurons, double precision."""

import math
from dataclasses import dataclass

import networkx as nx
import torch
from torch import Tensor

from snellen._errors import NotApplicable
from snellen.instruments.graphs.chain_rule import ChainRule
from snellen.instruments.graphs.expression import Partial
from snellen.instruments.graphs.neuron_graph import NeuronGraph


@dataclass(frozen=True)
class Confirmation:
    """The derivative by its expression and by autograd.

    ``difference`` is |value - autograd| / |autograd|. ``paths`` is the expression's value with 1 for every partial
    derivative.
    """

    value: float
    autograd: float
    difference: float
    paths: int


def against_autograd(graph: NeuronGraph, rule: ChainRule, *, seed: int = 0) -> Confirmation:
    """Give every connection a random weight and every neuron tanh, and compare the expression with autograd.

    The neuron v is tanh(b + Σ w u) over the neurons u that feed it and lie on a path, so ∂v/∂u = w (1 - v²). The bias
    b stands for all else that feeds it and puts it at a random place of its tanh, from -1 to 1. A weight w has the
    sign of u times the sign of v, which are random, and a random size that makes |∂v/∂u| 0.82 to 1.22 over the number
    of weights. So all paths have the same sign, none hides another, and the derivative stays near 1 at any depth: what
    is wrong anywhere changes it. float64.

    Args:
        graph: the one that the rule was written for.
        rule: what is confirmed.
        seed: of the weights; the global generator is not touched.

    Raises:
        NotApplicable: no path leads from one neuron to the other, or they are the same: nothing is to be compared.

    >>> from snellen.instruments.graphs.chain_rule import chain_rule
    >>> graph = NeuronGraph.of(("x", "a"), ("a", "e"), ("x", "e"))
    >>> against_autograd(graph, chain_rule(graph, "e", "x")).difference < 1e-14
    True
    """
    if not rule.paths or rule.of == rule.to:
        raise NotApplicable(f"d{rule.of}/d{rule.to} is {rule.text.split()[-1]} whatever the weights; nothing to check")
    part = graph.between(rule.to, rule.of)
    random = torch.Generator().manual_seed(seed)
    start = torch.rand((), generator=random, dtype=torch.float64).requires_grad_()
    signs: dict[str, float] = {}
    values: dict[str, Tensor] = {rule.to: start}
    weights: dict[str, Tensor] = {}
    for name in nx.topological_sort(part.digraph):
        place, sign = (2 * torch.rand(2, generator=random, dtype=torch.float64) - 1).tolist()
        signs[name] = math.copysign(1, sign)
        if name != rule.to:
            parents = part.parents[name]
            sizes = torch.exp(0.4 * torch.rand(len(parents), generator=random, dtype=torch.float64) - 0.2)
            slopes = sizes * signs[name] * torch.tensor([signs[parent] for parent in parents]) / len(parents)
            weights[name] = slopes / (1 - math.tanh(place) ** 2)
            before = torch.stack([values[parent] for parent in parents])
            bias = place - weights[name] @ before.detach()
            values[name] = torch.tanh(bias + weights[name] @ before)
    (gradient,) = torch.autograd.grad(values[rule.of], start)
    squares = {name: float(value.detach()) ** 2 for name, value in values.items()}
    partials: dict[tuple[str, str], float] = {
        (name, parent): weight * (1 - squares[name])
        for name in weights
        for parent, weight in zip(part.parents[name], weights[name].tolist(), strict=True)
    }

    def known(partial: Partial) -> float:
        return partials[partial.of, partial.to]

    def one(_: Partial) -> int:
        return 1

    value, autograd = rule.value(known, 1.0), float(gradient)
    return Confirmation(value, autograd, abs(value - autograd) / abs(autograd), rule.value(one, 1))
