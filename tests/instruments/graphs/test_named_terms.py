"""Terms with a line of their own have the right value, and never more multiplications than backpropagation."""

import itertools
import random

import networkx as nx
import pytest

from mini_networks import random_graph
from snellen.instruments.graphs.expression import Expression, Partial, Product, Sum, Total, evaluate, text
from snellen.instruments.graphs.named_terms import LONGEST, Lines, named_terms
from snellen.instruments.graphs.neuron_graph import NeuronGraph

PRIME = 2**61 - 1


def agrees(graph: NeuronGraph, found: Lines, of: str, to: str, seed: int) -> bool:
    """At random integers the value is that of adding up over the neurons (Schwartz and Zippel: no accident)."""
    draw = random.Random(seed)
    slopes = {(v, u): draw.randrange(PRIME) for u, v in graph.weights}
    ways = dict.fromkeys(graph.nodes, 0)
    ways[to] = 1
    for v in nx.topological_sort(graph.digraph):
        if v != to:
            ways[v] = sum(slopes[v, u] * ways[u] for u in graph.parents[v]) % PRIME
    totals: dict[Total, int] = {}

    def slope(p: Partial) -> int:
        return slopes[p.of, p.to]

    for name, line in found.lines:
        totals[name] = evaluate(line, slope, totals, 1) % PRIME
    return evaluate(found.expression, slope, totals, 1) % PRIME == ways[of]


def used(expression: Expression) -> list[Total]:
    match expression:
        case Total():
            return [expression]
        case Product(parts) | Sum(parts):
            return [name for part in parts for name in used(part)]
    return []


@pytest.mark.parametrize("seed", range(25))
def test_random_graphs(seed: int) -> None:
    graph = random_graph(seed, neurons=5 + seed, density=0.2 + 0.1 * (seed % 6))
    order = list(nx.topological_sort(graph.digraph))
    to = next(name for name in order if graph.children[name])
    of = max(graph.reachable([to]), key=order.index)
    part = graph.between(to, of)
    found = named_terms(part, of, to)
    assert agrees(part, found, of, to, seed)
    m = len(part.weights)
    assert found.multiplications <= min(m - len(part.parents[of]), m - len(part.children[to]))
    known: set[Total] = set()
    for name, line in found.lines:
        assert set(used(line)) <= known
        known.add(name)
    uses = [name for line in (found.expression, *dict(found.lines).values()) for name in used(line)]
    for name, line in found.lines:
        assert uses.count(name) > 1 or line.partials > LONGEST


def test_two_pieces_that_are_long_are_multiplied_by_their_names() -> None:
    wide = [[f"{k}{i}" for i in range(8)] for k in "bd"]
    pairs = [pair for a, row, c in zip("xm", wide, "me", strict=True) for b in row for pair in ((a, b), (b, c))]
    found = named_terms(NeuronGraph.of(*pairs), "e", "x")
    assert text(found.expression) == "de/dm · dm/dx"
    assert [text(name) for name, _ in found.lines] == ["de/dm", "dm/dx"]


def test_what_lies_behind_a_shared_neuron_is_multiplied_once() -> None:
    """Five ways from a to c, and c on the way to e: five products, not ten, and a factor for the rest."""
    middle = [f"b{i}" for i in range(5)]
    graph = NeuronGraph.of(
        ("x", "a"), *[("a", b) for b in middle], *[(b, "c") for b in middle], ("c", "e"), ("x", "g"), ("g", "e")
    )
    found = named_terms(graph, "e", "x")
    assert found.multiplications == 5 + 2 + 1
    assert found.lines == ()


def test_a_term_that_is_used_twice_has_a_line() -> None:
    graph = NeuronGraph.of(
        ("x", "a"), ("x", "b"), ("a", "b"), ("a", "e"), ("b", "c"), ("b", "d"), ("c", "e"), ("d", "e")
    )
    found = named_terms(graph, "e", "x")
    assert found.multiplications == 5
    assert [(text(name), text(line)) for name, line in found.lines] == [("de/db", "∂e/∂d · ∂d/∂b + ∂e/∂c · ∂c/∂b")]
    assert text(found.expression) == "de/db · ∂b/∂x + (∂e/∂a + de/db · ∂b/∂a) · ∂a/∂x"


@pytest.mark.parametrize("turned", [False, True])
def test_long_chains_with_a_shortcut_from_every_neuron(turned: bool) -> None:
    """1,000 neurons, each of which also feeds the last (or is fed by the first): nothing here may recurse or grow."""
    names = [f"n{i}" for i in range(1000)]
    pairs = list(itertools.pairwise(names)) + [(name, names[-1]) for name in names[:-2]]
    if turned:
        pairs = [(v, u) for u, v in pairs]
    of, to = (names[0], names[-1]) if turned else (names[-1], names[0])
    graph = NeuronGraph.of(*pairs)
    found = named_terms(graph, of, to)
    assert agrees(graph, found, of, to, 0)
    assert found.multiplications == 998
    assert sum(line.partials for _, line in found.lines) < 3 * len(pairs)
