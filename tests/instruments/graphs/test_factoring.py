"""The sum over all paths, no more and no less, in as few derivatives as an exhaustive search needs."""

from collections.abc import Iterable
from itertools import combinations, product

import pytest

from mini_networks import FIGURES, ends, figure, monomials, random_graph
from snellen.instruments.graphs.expression import Expression, Partial, Product, Sum, text
from snellen.instruments.graphs.factoring import factored
from snellen.instruments.graphs.neuron_graph import NeuronGraph

Monomial = frozenset[tuple[str, str]]


def expanded(expression: Expression) -> list[Monomial]:
    """Multiplied out."""
    match expression:
        case Partial(of, to):
            return [frozenset([(of, to)])]
        case Sum(terms):
            return [monomial for term in terms for monomial in expanded(term)]
        case Product(factors):
            return [frozenset().union(*choice) for choice in product(*map(expanded, factors))]
    raise AssertionError("a term that is defined elsewhere")


def fewest(paths: Iterable[Monomial], known: dict[frozenset[Monomial], int]) -> int:
    """The derivatives in the shortest expression: every way to part a sum, and every way to part a product."""
    terms = frozenset(paths)
    if terms in known:
        return known[terms]
    shared = frozenset.intersection(*terms)
    if shared:
        rest = {term - shared for term in terms}
        known[terms] = len(shared) + (fewest(rest, known) if rest != {frozenset()} else 0)
        return known[terms]
    first, *others = terms
    best = sum(map(len, terms))
    for size in range(len(others)):
        for chosen in combinations(others, size):
            left = frozenset([first, *chosen])
            best = min(best, fewest(left, known) + fewest(terms - left, known))
    bundles = apart(terms)
    for size in range(1, len(bundles)):
        for some in combinations(bundles, size):
            letters = frozenset().union(*some)
            left, right = {term & letters for term in terms}, {term - letters for term in terms}
            if len(left) * len(right) == len(terms):
                best = min(best, fewest(left, known) + fewest(right, known))
    known[terms] = best
    return best


def apart(terms: frozenset[Monomial]) -> list[frozenset[tuple[str, str]]]:
    """Letters that never stand together must stand in the same factor."""
    bundles: list[frozenset[tuple[str, str]]] = []
    for letter in frozenset().union(*terms):
        beside = frozenset().union(*(term for term in terms if letter in term))
        joined = frozenset([letter]).union(*(b for b in bundles if b - beside))
        bundles = [b for b in bundles if not b - beside] + [joined]
    return bundles


@pytest.mark.parametrize("seed", range(30))
def test_every_path_once(seed: int) -> None:
    graph = random_graph(seed, neurons=3 + seed % 7, density=0.3 + 0.1 * (seed % 5))
    of, to = ends(graph)
    part = graph.between(to, of)
    listed = monomials(graph, of, to)
    if listed:
        found = expanded(factored(part, of, to))
        assert len(found) == len(listed)
        assert set(found) == set(listed)


@pytest.mark.parametrize("seed", range(24))
def test_no_expression_is_shorter(seed: int) -> None:
    graph = random_graph(seed, neurons=6, density=0.55)
    of, to = ends(graph)
    listed = monomials(graph, of, to)
    if 1 < len(listed) <= 7:
        assert factored(graph.between(to, of), of, to).partials == fewest(listed, {})


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("to", ["x1", "x2"])
def test_the_figures_are_written_as_short_as_possible(name: str, to: str) -> None:
    graph = figure(name)
    found = factored(graph.between(to, "e"), "e", to)
    assert sorted(map(sorted, expanded(found))) == sorted(map(sorted, monomials(graph, "e", to)))
    assert found.partials == fewest(monomials(graph, "e", to), {})


def test_series_and_parallel_parts_have_every_derivative_once() -> None:
    graph = NeuronGraph.of(
        ("x", "a"), ("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("a", "d"), ("d", "e"), ("x", "g"), ("g", "e")
    )
    found = factored(graph, "e", "x")
    assert found.partials == len(graph.weights)
    assert text(found) == "∂e/∂d · (∂d/∂b · ∂b/∂a + ∂d/∂c · ∂c/∂a + ∂d/∂a) · ∂a/∂x + ∂e/∂g · ∂g/∂x"


def test_a_bridge_needs_one_derivative_twice() -> None:
    """The smallest graph that is not made of series and parallel parts: five connections, six derivatives."""
    graph = NeuronGraph.of(("x", "a"), ("x", "b"), ("a", "b"), ("a", "e"), ("b", "e"))
    assert factored(graph, "e", "x").partials == 6


def test_a_neuron_in_the_middle_is_a_factor_where_that_is_shortest() -> None:
    """Neuron i feeds i+1 and i+2: first step or last step alone would write down more."""
    graph = NeuronGraph.of(*[(f"n{i}", f"n{j}") for i in range(8) for j in (i + 1, i + 2) if j < 8])
    found = factored(graph, "n7", "n0")
    assert set(expanded(found)) == set(monomials(graph, "n7", "n0"))
    assert found.partials < nested(7)


def nested(n: int) -> int:
    """Derivatives when each neuron is written by its first steps: D(n) = 1 + D(n - 1) + 1 + D(n - 2)."""
    return {0: 0, 1: 1}[n] if n < 2 else 2 + nested(n - 1) + nested(n - 2)
