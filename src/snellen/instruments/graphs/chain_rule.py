"""The derivative of one neuron by another, factored as one writes it by hand."""

from collections.abc import Callable
from dataclasses import dataclass

import networkx as nx

from snellen._errors import NotApplicable
from snellen.instruments.graphs import expression as written
from snellen.instruments.graphs.expression import Expression, Partial, Product, Sum, T, Total
from snellen.instruments.graphs.factoring import MOST_NEURONS, factored
from snellen.instruments.graphs.named_terms import named_terms
from snellen.instruments.graphs.neuron_graph import NeuronGraph

LONGEST_LINE = 64
"""Derivatives in one line; a longer expression is given with terms that are defined before it."""


@dataclass(frozen=True)
class ChainRule:
    """d ``of`` / d ``to``: an expression of partial derivatives along connections, never multiplied out.

    Attributes:
        of: what is differentiated.
        to: by what.
        expression: the derivative; a :class:`Total` in it is defined in ``lines``.
        lines: terms that have a line of their own; each uses only those before it.
        paths: how many paths lead from ``to`` to ``of``: the terms of the sum that is multiplied out.
        expanded_multiplications: of that sum.
        multiplications: of the expression and its lines, each line once.
    """

    of: str
    to: str
    expression: Expression
    lines: tuple[tuple[Total, Expression], ...]
    paths: int
    expanded_multiplications: int
    multiplications: int

    @property
    def text(self) -> str:
        """One line for each term that is defined, the derivative last."""
        defined = (*self.lines, (Total(self.of, self.to), self.expression))
        return "".join(f"{written.text(name)} = {written.text(line)}\n" for name, line in defined)

    @property
    def latex(self) -> str:
        """The same as a LaTeX align environment, or one formula where there is one line."""
        defined = (*self.lines, (Total(self.of, self.to), self.expression))
        pairs = [(written.latex(name), written.latex(line)) for name, line in defined]
        if len(pairs) == 1:
            return f"{pairs[0][0]} = {pairs[0][1]}\n"
        rows = " \\\\\n".join(f"{name} &= {line}" for name, line in pairs)
        return f"\\begin{{align*}}\n{rows}\n\\end{{align*}}\n"

    def value(self, partial: Callable[[Partial], T], one: T) -> T:
        """The derivative's value for these values of the partial derivatives.

        Args:
            partial: the value of each.
            one: 1, of the kind of number that is wanted. With 1 for every partial derivative the value is the
                number of paths.
        """
        totals: dict[Total, T] = {}
        for name, line in self.lines:
            totals[name] = written.evaluate(line, partial, totals, one)
        return written.evaluate(self.expression, partial, totals, one)


def chain_rule(graph: NeuronGraph, of: str, to: str) -> ChainRule:
    """The derivative of one neuron by another over all paths of a graph: dof/dto = Σ over paths Π ∂child/∂parent.

    The sum is never multiplied out and the paths never listed: see
    :func:`~snellen.instruments.graphs.factoring.factored` for one line, and
    :func:`~snellen.instruments.graphs.named_terms.named_terms` for what is too long for one.

    Args:
        graph: neurons and connections; the weights play no part.
        of: the neuron that is differentiated, such as the loss.
        to: the neuron, or the input, by which.

    Raises:
        UsageError: an unknown name.
        NotApplicable: a circle of connections lies on the way, so that a neuron would stand in its own derivative.

    >>> graph = NeuronGraph.of(("x", "a"), ("x", "b"), ("a", "c"), ("b", "c"), ("c", "e"))
    >>> found = chain_rule(graph, "e", "x")
    >>> print(found.text, found.paths, found.expanded_multiplications, found.multiplications)
    de/dx = ∂e/∂c · (∂c/∂a · ∂a/∂x + ∂c/∂b · ∂b/∂x)
     2 4 3
    """
    part = graph.between(to, of)
    _refuse_circles(part, of, to)
    paths, length = _counted(part, of, to)
    if of == to or not paths:
        known: Expression = Product(()) if of == to else Sum(())
        return ChainRule(of, to, known, (), paths, 0, 0)
    found = named_terms(part, of, to)
    expression, lines = found.expression, found.lines
    if len(part.nodes) <= MOST_NEURONS:
        short = factored(part, of, to)
        if short.partials <= LONGEST_LINE:
            expression, lines = short, ()
    multiplications = expression.multiplications + sum(line.multiplications for _, line in lines)
    return ChainRule(of, to, expression, lines, paths, length - paths, multiplications)


def _refuse_circles(part: NeuronGraph, of: str, to: str) -> None:
    if nx.is_directed_acyclic_graph(part.digraph):
        return
    circle = " -> ".join([source for source, _ in nx.find_cycle(part.digraph)])
    start = circle.partition(" -> ")[0]
    raise NotApplicable(
        f"d{of}/d{to} has no expression of finite length: the circle {circle} -> {start} lies on the way from {to} to "
        f"{of}, and can be gone round any number of times. Unroll the network for a number of time steps, or take the "
        "circle out."
    )


def _counted(part: NeuronGraph, of: str, to: str) -> tuple[int, int]:
    """How many paths there are, and how many connections they have together."""
    ways = dict.fromkeys(part.nodes, 0)
    lengths = dict.fromkeys(part.nodes, 0)
    ways[to] = 1
    for name in nx.topological_sort(part.digraph):
        for child in part.children[name]:
            ways[child] += ways[name]
            lengths[child] += lengths[name] + ways[name]
    return ways[of], lengths[of]
