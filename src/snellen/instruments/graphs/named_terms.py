"""The chain rule over a large graph: terms that are used again get a line of their own."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from itertools import pairwise

import networkx as nx

from snellen.instruments.graphs.expression import Expression, Partial, Product, Sum, Total, product, total
from snellen.instruments.graphs.neuron_graph import NeuronGraph

LONGEST = 12
"""Derivatives in a term that stands inside another; a longer one gets a line of its own."""


@dataclass(frozen=True)
class Lines:
    """An expression, and the lines it rests on; each uses only those before it."""

    expression: Expression
    lines: tuple[tuple[Total, Expression], ...]

    @property
    def multiplications(self) -> int:
        """How many times two numbers are multiplied, every line once."""
        return self.expression.multiplications + sum(line.multiplications for _, line in self.lines)


def named_terms(graph: NeuronGraph, of: str, to: str) -> Lines:
    """d ``of`` / d ``to`` with a line for every term that is used more than once, or is long.

    The neurons that all paths share cut the graph into pieces, and the pieces' expressions are multiplied. In a piece
    every neuron's derivative goes only as far as the next neuron that all its paths share (its immediate dominator),
    so that what lies behind is multiplied once. This is done backward, from the loss, and forward, from the input,
    and also without the dominators; what needs the fewest multiplications is taken, piece by piece. Never more than
    in backpropagation: one a connection, less those into the loss.

    Args:
        graph: acyclic; every neuron on a path from ``to`` to ``of``.
        of: what is differentiated.
        to: by what; another neuron.

    Reference: Griewank and Walther 2008, Evaluating Derivatives, chapter 3; dominators in it: Naumann 2004, Optimal
    accumulation of Jacobian matrices by elimination methods on the dual computational graph, Math. Program. 99.

    >>> from snellen.instruments.graphs.expression import text
    >>> found = named_terms(NeuronGraph.of(("x", "a"), ("a", "e"), ("x", "e")), "e", "x")
    >>> text(found.expression), found.lines
    ('∂e/∂x + ∂e/∂a · ∂a/∂x', ())
    """
    order = {name: i for i, name in enumerate(nx.topological_sort(graph.digraph))}
    towards, away = _dominators(graph, of, backwards=True), _dominators(graph, to, backwards=False)
    stops = [to]
    while stops[-1] != of:
        stops.append(towards[stops[-1]])
    backward, forward = _sorted(graph.children, order), _sorted(graph.parents, order)
    lines: dict[Total, Expression] = {}
    for near, far in reversed(list(pairwise(stops))):
        candidates = (
            _Way(backward, towards, near, far, turned=False),
            _Way(forward, away, far, near, turned=True),
            _Way(backward, dict.fromkeys(order, far), near, far, turned=False),
            _Way(forward, dict.fromkeys(order, near), far, near, turned=True),
        )
        lines |= min(candidates, key=lambda way: way.multiplications).lines()
    return _written(product(Total(far, near) for near, far in reversed(list(pairwise(stops)))), lines)


def _sorted(steps: Mapping[str, Sequence[str]], order: Mapping[str, int]) -> Mapping[str, Sequence[str]]:
    """The neurons of every next step, those at the loss first."""
    return {name: sorted(others, key=order.__getitem__, reverse=True) for name, others in steps.items()}


def _dominators(graph: NeuronGraph, start: str, *, backwards: bool) -> Mapping[str, str]:
    """For every neuron the next one towards ``start`` that all its paths to it share."""
    digraph = graph.digraph.reverse(copy=False) if backwards else graph.digraph
    found: dict[str, str] = nx.immediate_dominators(digraph, start)
    return found


@dataclass(frozen=True)
class _Way:
    """How to get from a start to a goal; ``turned`` says that the steps go against the connections.

    ``stops`` says how far the derivative of a neuron goes at once; what lies behind is multiplied to it.
    """

    steps: Mapping[str, Sequence[str]]
    stops: Mapping[str, str]
    start: str
    goal: str
    _: KW_ONLY
    turned: bool

    @cached_property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The neurons whose derivatives need a line, each after those that it uses."""
        found: dict[tuple[str, str], None] = {}
        waiting = [(self.start, self.goal, False)]
        while waiting:
            near, far, ready = waiting.pop()
            if (near, far) in found:
                continue
            if ready:
                found[near, far] = None
                continue
            waiting.append((near, far, True))
            if far != (stop := self.stops[near]):
                waiting += ((near, stop, False), (stop, far, False))
            else:
                waiting += ((name, far, False) for name in self.steps[near] if name != far)
        return tuple(found)

    @property
    def multiplications(self) -> int:
        """Of all lines."""
        return sum(
            1 if far != self.stops[near] else len(self.steps[near]) - (far in self.steps[near])
            for near, far in self.pairs
        )

    def lines(self) -> dict[Total, Expression]:
        """A line for every pair."""
        return {self.pair(near, far): self.line(near, far) for near, far in self.pairs}

    def line(self, near: str, far: str) -> Expression:
        """One line, in terms of others."""
        stop = self.stops[near]
        if far != stop:
            return self.joined(self.pair(near, stop), self.pair(stop, far))
        return total(
            self.first(near, far) if name == far else self.joined(self.first(near, name), self.pair(name, far))
            for name in self.steps[near]
        )

    def pair(self, near: str, far: str) -> Total:
        return Total(near, far) if self.turned else Total(far, near)

    def first(self, near: str, name: str) -> Partial:
        return Partial(near, name) if self.turned else Partial(name, near)

    def joined(self, here: Expression, behind: Expression) -> Expression:
        return product((here, behind) if self.turned else (behind, here))


def _used(expression: Expression) -> list[Total]:
    match expression:
        case Total():
            return [expression]
        case Product(parts) | Sum(parts):
            return [used for part in parts for used in _used(part)]
        case _:
            return []


def _written(expression: Expression, lines: Mapping[Total, Expression]) -> Lines:
    """Lines that are short and used once move to where they are used; a lone derivative does so always."""
    uses: dict[Total, int] = {}
    for line in (expression, *lines.values()):
        for used in _used(line):
            uses[used] = uses.get(used, 0) + 1
    inside: dict[Total, Expression] = {}
    kept: list[tuple[Total, Expression]] = []
    for key, line in lines.items():
        done = _replaced(line, inside)
        whole = key == expression or isinstance(done, Partial | Total)
        if whole or (uses[key] == 1 and done.partials <= LONGEST):
            inside[key] = done
        else:
            kept.append((key, done))
    return Lines(_replaced(expression, inside), tuple(kept))


def _replaced(expression: Expression, inside: Mapping[Total, Expression]) -> Expression:
    match expression:
        case Total():
            return inside.get(expression, expression)
        case Product(parts):
            return product(_replaced(part, inside) for part in parts)
        case Sum(parts):
            return total(_replaced(part, inside) for part in parts)
        case _:
            return expression
