"""Neighbours, reachability and the part between two neurons, against listing every path."""

import itertools

import pytest

from mini_networks import FIGURES, ends, figure, paths, random_graph
from snellen import UsageError
from snellen.instruments.graphs.neuron_graph import NeuronGraph


@pytest.mark.parametrize("seed", range(8))
def test_between_is_what_lies_on_a_path(seed: int) -> None:
    graph = random_graph(seed, neurons=7, density=0.4)
    of, to = ends(graph)
    found = list(paths(graph, to, of))
    part = graph.between(to, of)
    assert set(part.nodes) == {name for path in found for name in path} | {of, to}
    assert set(part.weights) == {pair for path in found for pair in itertools.pairwise(path)}
    assert [name for name in graph.nodes if name in part.nodes] == list(part.nodes)


def test_circles_at_the_ends_are_between_them_too() -> None:
    graph = NeuronGraph.of(("x", "a"), ("a", "e"), ("e", "z"), ("z", "e"), ("y", "x"), ("a", "x"), ("e", "w"))
    assert graph.between("x", "e").weights.keys() == {("x", "a"), ("a", "e"), ("e", "z"), ("z", "e"), ("a", "x")}


@pytest.mark.parametrize("name", FIGURES)
def test_neighbours_are_the_connections(name: str) -> None:
    graph = figure(name)
    assert {(u, v) for u in graph.nodes for v in graph.children[u]} == set(graph.weights)
    assert {(u, v) for v in graph.nodes for u in graph.parents[v]} == set(graph.weights)
    assert set(graph.digraph.edges) == set(graph.weights)


@pytest.mark.parametrize(
    ("nodes", "weights", "words"),
    [
        ((), {}, "is empty"),
        (("a", "b", "a"), {}, "two neurons are named 'a'"),
        (("hidden", "b"), {("hiden", "b"): 1.0}, "no neuron named 'hiden'; did you mean hidden"),
        (("a", "b"), {("a", "b"): float("nan")}, "a -> b must be a number that is not 0, got nan"),
        (("a", "b"), {("a", "b"): 0.0}, "not 0, got 0"),
    ],
)
def test_errors(nodes: tuple[str, ...], weights: dict[tuple[str, str], float], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        NeuronGraph(nodes, weights)


def test_an_unknown_name_gets_the_closest() -> None:
    with pytest.raises(UsageError, match="no neuron named 'x3'; did you mean x"):
        figure("a").between("x3", "e")
