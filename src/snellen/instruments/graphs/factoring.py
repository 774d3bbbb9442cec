"""The shortest way that is found to write the chain rule over a small graph in one line."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import networkx as nx

from snellen.instruments.graphs.expression import Expression, Partial, product, total
from snellen.instruments.graphs.neuron_graph import NeuronGraph

MOST_NEURONS = 24
"""Of a graph that is factored here; the work grows fast."""
MOST_SPLIT = 10
"""Neurons of a graph where every neuron is tried as the middle of a factor."""


def factored(graph: NeuronGraph, of: str, to: str) -> Expression:
    """d ``of`` / d ``to`` as one expression in which few partial derivatives are written down.

    Between two neurons: where all paths share a neuron, the expression is a product. Where paths fall apart into
    bundles that share none, it is a sum. Else the shortest of these is taken: the sum over the first step (forward),
    over the last step (backward), or, for one neuron in the middle, the paths through it plus those that avoid it.
    Graphs made of series and parallel parts come out with every partial derivative once, which is the least.

    Args:
        graph: acyclic; every neuron on a path from ``to`` to ``of``; at most ``MOST_NEURONS`` of them.
        of: what is differentiated.
        to: by what.

    Reference: Valdes, Tarjan and Lawler 1982, The Recognition of Series Parallel Digraphs, SIAM J. Comput. 11(2);
    for the graphs that are not, Korenblit and Levit 2003, On Algebraic Expressions of Series-Parallel and Fibonacci
    Graphs, LNCS 2731.

    >>> from snellen.instruments.graphs.expression import text
    >>> graph = NeuronGraph.of(("x", "a"), ("a", "b"), ("a", "c"), ("b", "e"), ("c", "e"))
    >>> text(factored(graph, "e", "x"))
    '(∂e/∂b · ∂b/∂a + ∂e/∂c · ∂c/∂a) · ∂a/∂x'
    """
    rank = {name: i for i, name in enumerate(graph.nodes)}
    names = list(nx.lexicographical_topological_sort(graph.digraph, key=rank.__getitem__))
    position = {name: i for i, name in enumerate(names)}
    search = _Search(
        names,
        after=[sum(1 << position[child] for child in graph.children[name]) for name in names],
        before=[sum(1 << position[parent] for parent in graph.parents[name]) for name in names],
    )
    between = (1 << len(names)) - 1 - (1 << position[to]) - (1 << position[of])
    return search.solve(position[to], position[of], between)


@dataclass
class _Search:
    """Neurons are numbered so that connections lead upwards; a set of neurons is the bits of an int."""

    names: list[str]
    after: list[int]
    before: list[int]
    known: dict[tuple[int, int, int], Expression] = field(default_factory=dict)

    def solve(self, s: int, t: int, allowed: int) -> Expression:
        """The sum over all paths from s to t whose inner neurons are allowed; there must be one."""
        terms = [self.bundle(s, t, part) for part in self.parts(self.useful(s, t, allowed))]
        if self.after[s] >> t & 1:
            terms.append(Partial(self.names[t], self.names[s]))
        return total(terms)

    def useful(self, s: int, t: int, allowed: int) -> int:
        """The allowed neurons that lie on a path from s to t."""
        down, up = self.after[s], self.before[t]
        for i in bits(allowed):
            if down >> i & 1:
                down |= self.after[i]
        for i in reversed(list(bits(allowed & down))):
            if up >> i & 1:
                up |= self.before[i]
        return allowed & down & up

    def parts(self, inner: int) -> Iterator[int]:
        """Bundles of paths that share no neuron."""
        while inner:
            part, wave = 0, inner & -inner
            while wave:
                part |= wave
                near = 0
                for i in bits(wave):
                    near |= self.after[i] | self.before[i]
                wave = near & inner & ~part
            inner &= ~part
            yield part

    def bundle(self, s: int, t: int, inner: int) -> Expression:
        """The sum over the paths through one bundle, the direct connection left out."""
        if (s, t, inner) not in self.known:
            stops = [s, *self.shared(s, t, inner), t]
            if len(stops) > 2:
                parts = (self.solve(a, b, inner) for a, b in reversed(list(pairwise(stops))))
                self.known[s, t, inner] = product(parts)
            else:
                self.known[s, t, inner] = min(self.ways(s, t, inner), key=lambda e: (e.partials, e.multiplications))
        return self.known[s, t, inner]

    def shared(self, s: int, t: int, inner: int) -> Iterator[int]:
        """The neurons that all paths share: those that no connection leads past."""
        furthest = (self.after[s] & inner).bit_length() - 1
        for i in bits(inner):
            if furthest <= i:
                yield i
            furthest = max(furthest, (self.after[i] & (inner | 1 << t)).bit_length() - 1)

    def ways(self, s: int, t: int, inner: int) -> Iterator[Expression]:
        """A bundle whose paths share no neuron, written backward, forward, and parted at each neuron."""
        names = self.names
        yield total(
            product((Partial(names[t], names[i]), self.solve(s, i, inner))) for i in bits(self.before[t] & inner)
        )
        yield total(
            product((self.solve(i, t, inner), Partial(names[i], names[s]))) for i in bits(self.after[s] & inner)
        )
        if len(names) <= MOST_SPLIT:
            for i in bits(inner):
                through = product((self.solve(i, t, inner), self.solve(s, i, inner)))
                rest = self.useful(s, t, inner & ~(1 << i))
                yield total((through, *(self.bundle(s, t, part) for part in self.parts(rest))))


def bits(number: int) -> Iterator[int]:
    """The places of the ones, lowest first.

    >>> list(bits(0b1101))
    [0, 2, 3]
    """
    while number:
        low = number & -number
        yield low.bit_length() - 1
        number ^= low
