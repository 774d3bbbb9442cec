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

    ``difference`` is |value - autograd| over the sum of the absolute values of all paths, which is the scale of the
    rounding in either. ``paths`` is the expression's value with 1 for every partial derivative.
    """

    value: float
    autograd: float
    difference: float
    paths: int


def against_autograd(graph: NeuronGraph, rule: ChainRule, *, seed: int = 0) -> Confirmation:
    """Give every connection a random weight and every neuron tanh, and compare the expression with autograd.

    The neuron v is tanh(b + Σ w u) over the neurons u that feed it and lie on a path; b is random and stands for all
    else that feeds it. So ∂v/∂u = w (1 - v²). Weights have a random sign and 0.8 to 1.6 over the root of their
    number; float64.

    Args:
        graph: the one that the rule was written for.
        rule: what is confirmed.
        seed: of the weights; the global generator is not touched.

    Raises:
        NotApplicable: no path leads from one neuron to the other, or they are the same: nothing is to be compared.

    >>> from snellen.instruments.graphs.chain_rule import chain_rule
    >>> graph = NeuronGraph.of(("x", "a"), ("a", "e"), ("x", "e"))
    >>> against_autograd(graph, chain_rule(graph, "e", "x")).difference < 1e-15
    True
    """
    if not rule.paths or rule.of == rule.to:
        raise NotApplicable(f"d{rule.of}/d{rule.to} is {rule.text.split()[-1]} whatever the weights; nothing to check")
    part = graph.between(rule.to, rule.of)
    random = torch.Generator().manual_seed(seed)
    start = torch.rand((), generator=random, dtype=torch.float64).requires_grad_()
    values: dict[str, Tensor] = {rule.to: start}
    weights: dict[str, Tensor] = {}
    for name in nx.topological_sort(part.digraph):
        if name != rule.to:
            count = len(part.parents[name])
            size, sign, bias = torch.rand(3, count, generator=random, dtype=torch.float64).unbind()
            weights[name] = (0.8 + 0.8 * size) * (2 * (sign > 0.5) - 1) / math.sqrt(count)
            before = torch.stack([values[parent] for parent in part.parents[name]])
            values[name] = torch.tanh(bias[0] - 0.5 + weights[name] @ before)
    (gradient,) = torch.autograd.grad(values[rule.of], start)
    slopes = {name: 1 - float(value.detach()) ** 2 for name, value in values.items()}
    partials: dict[tuple[str, str], float] = {
        (name, parent): weight * slopes[name]
        for name in weights
        for parent, weight in zip(part.parents[name], weights[name].tolist(), strict=True)
    }

    def signed(partial: Partial) -> float:
        return partials[partial.of, partial.to]

    def absolute(partial: Partial) -> float:
        return abs(partials[partial.of, partial.to])

    def one(_: Partial) -> int:
        return 1

    value, autograd = rule.value(signed, 1.0), float(gradient)
    difference = abs(value - autograd) / rule.value(absolute, 1.0)
    return Confirmation(value, autograd, difference, rule.value(one, 1))
