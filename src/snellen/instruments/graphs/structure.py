"""What kind of network a graph is: feed-forward or recurrent, in one piece or not, and what lies outside its work."""

from collections.abc import Sequence
from dataclasses import dataclass

import networkx as nx

from snellen.instruments.graphs.neuron_graph import NeuronGraph


@dataclass(frozen=True)
class Structure:
    """What a graph is.

    Attributes:
        inputs: neurons that the others start from: those that are told, or that no other neuron feeds.
        outputs: those that are told, or that feed no other neuron.
        self_loops: neurons that feed themselves.
        cycles: where neurons feed each other in a circle, one shortest circle of each knot.
        feedback: connections that a pass in the order of the table cannot use: they lead, inside a circle, from a
            neuron to itself or to one that stands earlier. Without them there is no circle.
        pieces: neurons that are joined, whatever the direction; more than one piece: disconnected.
        unreachable: neurons that no path leads to from an input.
        dead_ends: neurons that no path leads from to an output.
        depth: connections on the longest path; None for a recurrent network.
        paths: from an input to an output, all of them; None for a recurrent network.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    self_loops: tuple[str, ...]
    cycles: tuple[tuple[str, ...], ...]
    feedback: tuple[tuple[str, str], ...]
    pieces: tuple[tuple[str, ...], ...]
    unreachable: tuple[str, ...]
    dead_ends: tuple[str, ...]
    depth: int | None
    paths: int | None

    @property
    def recurrent(self) -> bool:
        """Whether a neuron's value depends on its own: then there is no order to compute them in, only time steps."""
        return bool(self.feedback)


def structure(graph: NeuronGraph, *, inputs: Sequence[str] = (), outputs: Sequence[str] = ()) -> Structure:
    """Classify a graph of neurons, in time linear in its connections.

    A graph is feed-forward if no path leads from a neuron back to itself: then its neurons can be ordered so that
    each needs only those before it. Else it is recurrent.

    Args:
        graph: what is examined.
        inputs: names; if not given, the neurons that no other neuron feeds.
        outputs: names; if not given, the neurons that feed no other neuron.

    Raises:
        UsageError: an unknown name.

    Reference: Goodfellow, Bengio and Courville 2016, Deep Learning, chapters 6 and 10.

    >>> structure(NeuronGraph.of(("x", "a"), ("a", "a"), ("a", "e"))).self_loops
    ('a',)
    """
    for name in (*inputs, *outputs):
        graph.check(name)
    fed = {target for source, target in graph.weights if source != target}
    feeds = {source for source, target in graph.weights if source != target}
    joined = fed | feeds
    first = tuple(inputs) or tuple(name for name in graph.nodes if name in joined - fed)
    last = tuple(outputs) or tuple(name for name in graph.nodes if name in joined - feeds)
    order = {name: i for i, name in enumerate(graph.nodes)}
    knots = [knot for knot in nx.strongly_connected_components(graph.digraph) if len(knot) > 1]
    knot_of = {name: i for i, knot in enumerate(knots) for name in knot}
    feedback = tuple(
        (u, v)
        for u, v in graph.weights
        if u == v or (u in knot_of and knot_of[u] == knot_of.get(v) and order[u] > order[v])
    )
    starts = sorted((min(order[name] for name in knot), knot) for knot in knots)
    pieces = [tuple(sorted(p, key=order.__getitem__)) for p in nx.weakly_connected_components(graph.digraph)]
    seen, used = graph.reachable(first), graph.reachable(last, backwards=True)
    depth, paths = (None, None) if feedback else _measured(graph, first, last)
    return Structure(
        inputs=first,
        outputs=last,
        self_loops=tuple(name for name in graph.nodes if (name, name) in graph.weights),
        cycles=tuple(_circle(graph, graph.nodes[first_of], knot) for first_of, knot in starts),
        feedback=feedback,
        pieces=tuple(sorted(pieces, key=lambda piece: order[piece[0]])),
        unreachable=tuple(name for name in graph.nodes if first and name not in seen),
        dead_ends=tuple(name for name in graph.nodes if last and name not in used),
        depth=depth,
        paths=paths,
    )


def _circle(graph: NeuronGraph, start: str, knot: set[str]) -> tuple[str, ...]:
    """A shortest way from a neuron back to itself inside its knot."""
    came: dict[str, str] = {}
    wave = [start]
    while start not in came:
        onward: list[str] = []
        for name in wave:
            for child in graph.children[name]:
                if child in knot and child not in came and child != name:
                    came[child] = name
                    onward.append(child)
        wave = onward
    circle = [start]
    while (before := came[circle[-1]]) != start:
        circle.append(before)
    return (start, *reversed(circle[1:]))


def _measured(graph: NeuronGraph, first: Sequence[str], last: Sequence[str]) -> tuple[int, int]:
    """The length of the longest path, and the number of paths from an input to an output."""
    depth = dict.fromkeys(graph.nodes, 0)
    ways = {name: int(name in first) for name in graph.nodes}
    for name in nx.topological_sort(graph.digraph):
        for child in graph.children[name]:
            depth[child] = max(depth[child], depth[name] + 1)
            ways[child] += ways[name]
    return max(depth.values()), sum(ways[name] for name in last)
