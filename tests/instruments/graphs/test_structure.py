"""Feed-forward or recurrent, reachable or not, against the closure of the matrix and against listing every path."""

import random

import numpy as np
import pytest

from mini_networks import FIGURES, figure, paths, random_graph
from snellen import UsageError
from snellen.instruments.graphs.neuron_graph import NeuronGraph
from snellen.instruments.graphs.read_table import read_graph
from snellen.instruments.graphs.structure import structure


def any_graph(seed: int) -> NeuronGraph:
    """Circles and self-loops as they come."""
    draw = random.Random(seed)
    names = tuple("abcdef")
    return NeuronGraph(names, {(u, v): 1.0 for u in names for v in names if draw.random() < 0.16})


def closure(graph: NeuronGraph) -> dict[tuple[str, str], bool]:
    """Whether a path of one connection or more leads from one neuron to another (Warshall)."""
    index = {name: i for i, name in enumerate(graph.nodes)}
    leads = np.zeros((len(index), len(index)), dtype=bool)
    for u, v in graph.weights:
        leads[index[u], index[v]] = True
    for k in range(len(index)):
        leads |= leads[:, k : k + 1] & leads[k]
    return {(u, v): bool(leads[index[u], index[v]]) for u in graph.nodes for v in graph.nodes}


@pytest.mark.parametrize("seed", range(25))
def test_any_graph(seed: int) -> None:
    graph = any_graph(seed)
    found, leads = structure(graph), closure(graph)
    assert found.recurrent == any(leads[name, name] for name in graph.nodes)
    assert set(found.self_loops) == {u for u, v in graph.weights if u == v}
    knots = {frozenset(v for v in graph.nodes if leads[u, v] and leads[v, u]) for u in graph.nodes} - {frozenset()}
    assert {frozenset(k) for k in knots if len(k) > 1} == {
        next(k for k in knots if circle[0] in k) for circle in found.cycles
    }
    for circle in found.cycles:
        assert all(pair in graph.weights for pair in zip(circle, (*circle[1:], circle[0]), strict=True))
        assert len(set(circle)) == len(circle) > 1
    rest = {pair: 1.0 for pair in graph.weights if pair not in found.feedback}
    assert not structure(NeuronGraph(graph.nodes, rest)).recurrent
    if found.inputs:
        unseen = {v for v in graph.nodes if v not in found.inputs and not any(leads[u, v] for u in found.inputs)}
        assert set(found.unreachable) == unseen
    if found.outputs:
        unused = {u for u in graph.nodes if u not in found.outputs and not any(leads[u, v] for v in found.outputs)}
        assert set(found.dead_ends) == unused


@pytest.mark.parametrize("name", FIGURES)
def test_the_figures_are_feed_forward(name: str) -> None:
    graph = figure(name)
    found = structure(graph)
    listed = [path for source in ("x1", "x2") for path in paths(graph, source, "e")]
    assert (set(found.inputs), found.outputs, found.recurrent) == ({"x1", "x2"}, ("e",), False)
    assert found.paths == len(listed)
    assert found.depth == max(map(len, listed)) - 1
    assert (found.cycles, found.feedback, found.unreachable, found.dead_ends) == ((), (), (), ())


@pytest.mark.parametrize("seed", range(6))
def test_depth_and_paths_of_random_graphs(seed: int) -> None:
    graph = random_graph(seed, neurons=8, density=0.35)
    found = structure(graph)
    listed = [path for source in found.inputs for target in found.outputs for path in paths(graph, source, target)]
    assert found.paths == len(listed)
    assert found.depth == max(map(len, listed)) - 1


def test_ones_on_the_diagonal_make_it_recurrent() -> None:
    """Exercise 8b: each neuron feeds itself, so no order exists in which each needs only those before it."""
    plain = read_graph(",A,B,F\nA,0,1,1\nB,0,0,1\nF,0,0,0")
    diagonal = read_graph(",A,B,F\nA,1,1,1\nB,0,1,1\nF,0,0,1")
    assert not structure(plain).recurrent
    found = structure(diagonal)
    assert found.recurrent
    assert found.self_loops == ("A", "B", "F")
    assert (found.inputs, found.outputs) == (("A",), ("F",))
    assert (found.depth, found.paths) == (None, None)


def test_a_longer_circle_is_named_and_cut_where_the_table_turns_back() -> None:
    found = structure(NeuronGraph.of(("x", "a"), ("a", "b"), ("b", "c"), ("c", "a"), ("c", "e")))
    assert found.cycles == (("a", "b", "c"),)
    assert found.feedback == (("c", "a"),)


def test_what_is_alone_unreachable_or_a_dead_end() -> None:
    graph = read_graph(
        ",x,a,e,dead,lost,alone\nx,0,1,0,0,0,0\na,0,0,1,1,0,0\nlost,0,0,1,0,0,0\nalone,0,0,0,0,0,0\n"
        "dead,0,0,0,0,0,0\ne,0,0,0,0,0,0"
    )
    found = structure(graph, inputs=["x"], outputs=["e"])
    assert found.unreachable == ("lost", "alone")
    assert found.dead_ends == ("dead", "alone")
    assert found.pieces == (("x", "a", "e", "dead", "lost"), ("alone",))
    assert structure(graph).inputs == ("x", "lost")
    assert structure(graph).outputs == ("e", "dead")


def test_an_unknown_input() -> None:
    with pytest.raises(UsageError, match="no neuron named 'x9'; did you mean"):
        structure(figure("a"), inputs=["x9"])
