"""Small graphs of neurons, random ones, and the slow way to differentiate over them: list every path."""

import random
from collections.abc import Iterator
from itertools import pairwise

from snellen.instruments.graphs.neuron_graph import NeuronGraph
from snellen.instruments.graphs.read_table import read_graph

FIGURES = {
    "a": "x1 -> a -> d -> e, x1 -> b -> d, x2 -> b -> f -> e, x2 -> c -> f",
    "b": "x1 -> b -> f -> e, x2 -> a -> b, a -> c -> f, c -> g -> e, a -> d -> g, x1 -> d",
    "c": "x1 -> a -> c -> d -> g -> e, x2 -> b -> c -> f -> g, d -> h -> e, f -> h, b -> h",
}
"""Two inputs, five to eight neurons, shared paths, one loss e that two neurons feed."""


def figure(name: str) -> NeuronGraph:
    return read_graph(FIGURES[name])


def random_graph(seed: int, *, neurons: int, density: float) -> NeuronGraph:
    """Acyclic, named n0, n1 ... in an order that has nothing to do with the connections."""
    draw = random.Random(seed)
    names = [f"n{i}" for i in range(neurons)]
    draw.shuffle(names)
    pairs = [(u, v) for i, u in enumerate(names) for v in names[i + 1 :] if draw.random() < density]
    return NeuronGraph(tuple(sorted(names)), dict.fromkeys(pairs, 1.0))


def ends(graph: NeuronGraph) -> tuple[str, str]:
    """The pair of neurons that the most paths join: (of, to)."""
    pairs = [(of, to) for of in graph.nodes for to in graph.nodes if of != to]
    return max(pairs, key=lambda pair: len(list(paths(graph, pair[1], pair[0]))))


def paths(graph: NeuronGraph, source: str, target: str) -> Iterator[tuple[str, ...]]:
    """Every path, one by one."""
    if source == target:
        yield (source,)
        return
    for child in graph.children[source]:
        for rest in paths(graph, child, target):
            yield (source, *rest)


def monomials(graph: NeuronGraph, of: str, to: str) -> list[frozenset[tuple[str, str]]]:
    """The chain rule multiplied out: for every path the partial derivatives (of, to) along it."""
    return [frozenset((v, u) for u, v in pairwise(path)) for path in paths(graph, to, of)]
