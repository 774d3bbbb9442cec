"""Copies of a recurrent network in time, against running it step by step."""

import pytest
import torch

from snellen import UsageError
from snellen.instruments.graphs.chain_rule import chain_rule
from snellen.instruments.graphs.neuron_graph import NeuronGraph
from snellen.instruments.graphs.read_table import read_graph
from snellen.instruments.graphs.structure import structure
from snellen.instruments.graphs.unrolled import unrolled

NETWORK = read_graph("x -> a: 0.7, a -> a: -0.9, a -> b: 1.3, b -> a: 0.4, b -> e: 0.8, x -> e: 0.2")


def test_the_gradient_through_time_is_that_of_autograd() -> None:
    """x is fed at every step; a takes itself and b from the step before. Three steps, tanh, double precision."""
    steps, weight = 3, NETWORK.weights
    x = torch.linspace(-0.5, 0.8, steps, dtype=torch.float64, requires_grad=True)
    past = {"a": torch.zeros((), dtype=torch.float64), "b": torch.zeros((), dtype=torch.float64)}
    slopes: dict[str, float] = {}
    for t in range(steps):
        now = {"x": x[t]}
        now["a"] = torch.tanh(weight["x", "a"] * now["x"] + weight["a", "a"] * past["a"] + weight["b", "a"] * past["b"])
        now["b"] = torch.tanh(weight["a", "b"] * now["a"])
        now["e"] = torch.tanh(weight["b", "e"] * now["b"] + weight["x", "e"] * now["x"])
        slopes |= {f"{name}[{t + 1}]": 1 - float(value.detach()) ** 2 for name, value in now.items()}
        past = now
    (gradient,) = torch.autograd.grad(past["e"], x)
    graph = unrolled(NETWORK, steps)
    for t in range(steps):
        rule = chain_rule(graph, f"e[{steps}]", f"x[{t + 1}]")
        value = rule.value(lambda p: graph.weights[p.to, p.of] * slopes[p.of], 1.0)
        assert value == pytest.approx(float(gradient[t]), rel=1e-12)


def test_no_circle_is_left() -> None:
    graph = unrolled(NETWORK, 4)
    assert not structure(graph).recurrent
    assert len(graph.nodes) == 4 * len(NETWORK.nodes)
    assert len(graph.weights) == 4 * 4 + 3 * 2
    assert [pair for pair in graph.weights if pair[0][-2] != pair[1][-2]][:2] == [("a[1]", "a[2]"), ("b[1]", "a[2]")]


def test_errors() -> None:
    with pytest.raises(UsageError, match="1 step or more, got 0"):
        unrolled(NETWORK, 0)
    with pytest.raises(UsageError, match="nothing to unroll"):
        unrolled(NeuronGraph.of(("x", "e")), 2)
