"""The confirmation confirms what is right and sees what is wrong."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from mini_networks import FIGURES, figure, random_graph
from snellen import NotApplicable
from snellen.instruments.graphs.against_autograd import against_autograd
from snellen.instruments.graphs.chain_rule import chain_rule
from snellen.instruments.graphs.expression import Sum, total
from snellen.instruments.graphs.neuron_graph import NeuronGraph


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("to", ["x1", "x2"])
def test_the_figures_are_confirmed(name: str, to: str) -> None:
    graph = figure(name)
    rule = chain_rule(graph, "e", to)
    before = torch.random.get_rng_state()
    found = against_autograd(graph, rule, seed=3)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert found.difference < 1e-14
    assert found.paths == rule.paths
    assert found.value == pytest.approx(found.autograd, rel=1e-9)
    assert against_autograd(graph, rule, seed=4).value != found.value


def test_large_ones_are_confirmed() -> None:
    graph = random_graph(0, neurons=120, density=0.2)
    order = [name for name in graph.nodes if not graph.parents[name]]
    found = next(rule for to in order for of in graph.nodes if (rule := chain_rule(graph, of, to)).paths > 10**6)
    assert found.lines
    assert against_autograd(graph, found).difference < 1e-12


def test_a_wrong_expression_is_seen() -> None:
    graph = figure("a")
    rule = chain_rule(graph, "e", "x1")
    assert isinstance(rule.expression, Sum)
    wrong = replace(rule, expression=total(rule.expression.terms[1:]))
    assert against_autograd(graph, wrong).difference > 1e-3


def test_a_wrong_term_is_seen_among_10_to_the_12_paths() -> None:
    """One term in place of another keeps the number of paths; where paths cancel each other it could hide."""
    links = [(f"{u}{i}", f"{v}{i + 1}") for i in range(40) for u in "ab" for v in "ab"]
    graph = NeuronGraph.of(("x", "a0"), ("x", "b0"), *links, ("a40", "e"), ("b40", "e"))
    rule = chain_rule(graph, "e", "x")
    assert against_autograd(graph, rule).difference < 1e-13
    name, line = rule.lines[0]
    assert isinstance(line, Sum)
    wrong = replace(rule, lines=((name, total([line.terms[0], line.terms[0]])), *rule.lines[1:]))
    found = against_autograd(graph, wrong)
    assert found.paths == rule.paths > 10**12
    assert found.difference > 1e-3


def test_a_chain_of_any_depth_is_confirmed() -> None:
    names = [f"n{i}" for i in range(600)]
    graph = NeuronGraph.of(*pairwise(names))
    assert against_autograd(graph, chain_rule(graph, names[-1], "n0")).difference < 1e-11


def test_nothing_to_compare() -> None:
    graph = figure("a")
    with pytest.raises(NotApplicable, match="dx1/de is 0 whatever the weights"):
        against_autograd(graph, chain_rule(graph, "x1", "e"))
