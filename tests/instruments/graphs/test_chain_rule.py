"""Derivatives as they are written down, their counts, and what has no derivative."""

import itertools

import pytest

from mini_networks import FIGURES, ends, figure, monomials, random_graph
from snellen import NotApplicable, UsageError
from snellen.instruments.graphs.chain_rule import LONGEST_LINE, chain_rule
from snellen.instruments.graphs.neuron_graph import NeuronGraph
from snellen.instruments.graphs.read_table import read_graph

WRITTEN = {
    ("a", "x1"): "∂e/∂d · (∂d/∂a · ∂a/∂x1 + ∂d/∂b · ∂b/∂x1) + ∂e/∂f · ∂f/∂b · ∂b/∂x1",
    ("a", "x2"): "∂e/∂d · ∂d/∂b · ∂b/∂x2 + ∂e/∂f · (∂f/∂b · ∂b/∂x2 + ∂f/∂c · ∂c/∂x2)",
    ("b", "x1"): "∂e/∂f · ∂f/∂b · ∂b/∂x1 + ∂e/∂g · ∂g/∂d · ∂d/∂x1",
    ("b", "x2"): "(∂e/∂f · (∂f/∂b · ∂b/∂a + ∂f/∂c · ∂c/∂a) + ∂e/∂g · (∂g/∂c · ∂c/∂a + ∂g/∂d · ∂d/∂a)) · ∂a/∂x2",
    ("c", "x1"): "(∂e/∂g · (∂g/∂d · ∂d/∂c + ∂g/∂f · ∂f/∂c) + ∂e/∂h · (∂h/∂d · ∂d/∂c + ∂h/∂f · ∂f/∂c)) · ∂c/∂a · ∂a/∂x1",
    ("c", "x2"): "(∂e/∂g · (∂g/∂d · ∂d/∂c + ∂g/∂f · ∂f/∂c) · ∂c/∂b + ∂e/∂h · ((∂h/∂d · ∂d/∂c + ∂h/∂f · ∂f/∂c) · ∂c/∂b"
    " + ∂h/∂b)) · ∂b/∂x2",
}
"""Written by hand, from the drawings."""


@pytest.mark.parametrize(("name", "to"), WRITTEN)
def test_the_figures(name: str, to: str) -> None:
    assert chain_rule(figure(name), "e", to).text == f"de/d{to} = {WRITTEN[name, to]}\n"


@pytest.mark.parametrize("seed", range(20))
def test_counts_against_listing_every_path(seed: int) -> None:
    graph = random_graph(seed, neurons=8, density=0.5)
    of, to = ends(graph)
    found, listed = chain_rule(graph, of, to), monomials(graph, of, to)
    assert found.paths == len(listed)
    assert found.expanded_multiplications == sum(len(path) - 1 for path in listed)
    assert found.value(lambda _: 1, 1) == len(listed)
    values = {(v, u): 3 + 7 * i for i, (u, v) in enumerate(graph.weights)}
    total = 0
    for path in listed:
        product = 1
        for pair in path:
            product *= values[pair]
        total += product
    assert found.value(lambda p: values[p.of, p.to], 1) == total


def complete(n: int) -> NeuronGraph:
    return NeuronGraph.of(*[(f"n{i}", f"n{j}") for i in range(n) for j in range(i + 1, n)])


@pytest.mark.parametrize("n", [12, 30])
def test_what_is_too_long_for_a_line_gets_terms(n: int) -> None:
    """All of n neurons feed all later ones: 2^(n-2) paths, with (n-2) 2^(n-3) neurons between the ends."""
    found = chain_rule(complete(n), f"n{n - 1}", "n0")
    assert found.paths == 2 ** (n - 2)
    assert found.expanded_multiplications == (n - 2) * 2 ** (n - 3)
    assert found.lines
    assert found.value(lambda _: 1, 1) == found.paths
    assert found.multiplications <= n * (n - 1) // 2 - (n - 1)
    assert len(found.text.splitlines()) == len(found.lines) + 1
    assert found.latex.count(r"\\") == len(found.lines)


def test_the_longest_line() -> None:
    found = chain_rule(complete(8), "n7", "n0")
    assert not found.lines
    assert 40 < found.expression.partials <= LONGEST_LINE


def test_many_neurons_and_paths() -> None:
    """60 layers of 4 that feed the next: 4^60 paths."""
    layers = [[f"n{k}.{i}" for i in range(4)] for k in range(60)]
    pairs = [(u, v) for here, onward in itertools.pairwise(layers) for u in here for v in onward]
    graph = NeuronGraph.of(*[("x", v) for v in layers[0]], *pairs, *[(u, "e") for u in layers[-1]])
    found = chain_rule(graph, "e", "x")
    assert found.paths == 4**60
    assert found.multiplications <= len(graph.weights) - 4
    assert found.value(lambda _: 1, 1) == 4**60


def test_no_path_and_no_way() -> None:
    graph = figure("a")
    assert chain_rule(graph, "x1", "e").text == "dx1/de = 0\n"
    assert chain_rule(graph, "e", "e").text == "de/de = 1\n"
    assert chain_rule(graph, "c", "x1").paths == 0


def test_circles_are_refused_where_they_matter() -> None:
    graph = read_graph("x -> a -> b -> a, b -> e, x -> c -> e, z -> z, z -> c")
    with pytest.raises(NotApplicable, match=r"the circle (a -> b -> a|b -> a -> b) lies on the way from x to e"):
        chain_rule(graph, "e", "x")
    assert chain_rule(graph, "e", "c").text == "de/dc = ∂e/∂c\n"
    with pytest.raises(NotApplicable, match="the circle a -> a"):
        chain_rule(read_graph("x -> a -> a, a -> e"), "e", "x")


def test_an_unknown_neuron() -> None:
    with pytest.raises(UsageError, match="no neuron named 'x3'; did you mean"):
        chain_rule(figure("a"), "e", "x3")


def test_the_figures_are_of_the_kind() -> None:
    for name in FIGURES:
        graph = figure(name)
        assert len(graph.parents["e"]) == 2
        assert 5 <= len(graph.nodes) - 3 <= 8
        assert not graph.parents["x1"] + graph.parents["x2"]
