"""Neurons and the directed connections between them."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import networkx as nx

from snellen._errors import UsageError, unknown


@dataclass(frozen=True)
class NeuronGraph:
    """Neurons in an order, and the weight of every connection (source, target).

    The order is that of the table the graph was read from. A neuron that feeds none and is fed by none may stand in it.

    Raises:
        UsageError: no neurons, a name given twice, a connection of an unknown neuron, a weight that is 0 or no number.

    >>> graph = NeuronGraph.of(("x", "a"), ("a", "e"), ("x", "e"))
    >>> graph.nodes, graph.children["x"]
    (('x', 'a', 'e'), ('a', 'e'))
    """

    nodes: tuple[str, ...]
    weights: Mapping[tuple[str, str], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = set(self.nodes)
        if not known:
            raise UsageError("the graph is empty: it has no neurons")
        if len(known) < len(self.nodes):
            twice = next(name for i, name in enumerate(self.nodes) if name in self.nodes[:i])
            raise UsageError(f"two neurons are named {twice!r}; every neuron needs a name of its own")
        for (source, target), weight in self.weights.items():
            for name in {source, target} - known:
                raise unknown("neuron", name, known)
            if not math.isfinite(weight) or weight == 0:
                raise UsageError(f"the weight of {source} -> {target} must be a number that is not 0, got {weight}")

    @classmethod
    def of(cls, *connections: tuple[str, str]) -> "NeuronGraph":
        """A graph of connections of weight 1; the neurons stand in the order in which they are named first.

        >>> NeuronGraph.of(("x", "e")).weights
        {('x', 'e'): 1.0}
        """
        nodes = tuple(dict.fromkeys(name for connection in connections for name in connection))
        return cls(nodes, dict.fromkeys(connections, 1.0))

    @cached_property
    def children(self) -> Mapping[str, tuple[str, ...]]:
        """What every neuron feeds."""
        return self._beside(self.weights)

    @cached_property
    def parents(self) -> Mapping[str, tuple[str, ...]]:
        """What feeds every neuron."""
        return self._beside((target, source) for source, target in self.weights)

    @cached_property
    def digraph(self) -> "nx.DiGraph[str]":
        """The same as a graph of networkx."""
        graph: nx.DiGraph[str] = nx.DiGraph()
        graph.add_nodes_from(self.nodes)
        graph.add_edges_from(self.weights)
        return graph

    def check(self, name: str) -> str:
        """The name, if a neuron has it.

        Raises:
            UsageError: none has it; the closest are named.
        """
        if name not in self.children:
            raise unknown("neuron", name, self.nodes)
        return name

    def reachable(self, start: Iterable[str], *, backwards: bool = False) -> set[str]:
        """The neurons that a path leads to from any of these, and these.

        >>> sorted(NeuronGraph.of(("x", "a"), ("a", "e"), ("y", "e")).reachable(["x"]))
        ['a', 'e', 'x']
        """
        steps = self.parents if backwards else self.children
        found, waiting = set(start), list(start)
        while waiting:
            for name in steps[waiting.pop()]:
                if name not in found:
                    found.add(name)
                    waiting.append(name)
        return found

    def between(self, source: str, target: str) -> "NeuronGraph":
        """The neurons that ``source`` leads to and that lead to ``target``, and the connections among them.

        Where there are circles, that includes what leads back to the source, or on from the target and back to it.

        >>> NeuronGraph.of(("x", "a"), ("a", "e"), ("y", "e")).between("x", "e").nodes
        ('x', 'a', 'e')
        """
        kept = self.reachable([self.check(source)]) & self.reachable([self.check(target)], backwards=True)
        kept |= {source, target}
        edges = {(u, v): w for (u, v), w in self.weights.items() if u in kept and v in kept}
        return NeuronGraph(tuple(name for name in self.nodes if name in kept), edges)

    def _beside(self, pairs: Iterable[tuple[str, str]]) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {name: [] for name in self.nodes}
        for one, other in pairs:
            found[one].append(other)
        return {name: tuple(others) for name, others in found.items()}
