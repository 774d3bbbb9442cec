"""Layers, order and distances of a drawing, against counting and trying by hand."""

import random
from itertools import combinations, pairwise, permutations, product

import numpy as np
import pytest
from scipy.optimize import LinearConstraint, minimize

from mini_networks import FIGURES, figure, random_graph
from snellen import NotApplicable
from snellen.report.graph_layout import RADIUS, Layout, lay_out, spaced


def laid(nodes: tuple[str, ...], edges: list[tuple[str, str]], **ends: object) -> Layout:
    return lay_out(nodes, edges, widths=dict.fromkeys(nodes, 2 * RADIUS), **ends)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(8))
def test_every_layout(seed: int) -> None:
    graph = random_graph(seed, neurons=9, density=0.3)
    found = laid(graph.nodes, list(graph.weights))
    places = found.places
    assert all(places[u][0] < places[v][0] for u, v in graph.weights)
    for u, v in combinations(graph.nodes, 2):
        (x0, y0), (x1, y1) = places[u], places[v]
        assert abs(x0 - x1) > 2 * RADIUS or abs(y0 - y1) > 2 * RADIUS
    for route in found.routes:
        xs = [x for x, _ in route.points]
        assert xs == sorted(xs)
        for end, name in ((route.points[0], route.source), (route.points[-1], route.target)):
            assert np.hypot(end[0] - places[name][0], end[1] - places[name][1]) == pytest.approx(RADIUS)
        for name in set(graph.nodes) - {route.source, route.target}:
            assert all(np.hypot(x - places[name][0], y - places[name][1]) > RADIUS for x, y in route.points)
    assert all(RADIUS <= x <= found.width - RADIUS and RADIUS <= y <= found.height - RADIUS for x, y in places.values())


@pytest.mark.parametrize("seed", range(6))
def test_two_layers_have_as_few_crossings_as_any_order(seed: int) -> None:
    draw = random.Random(seed)
    left, right = "abcd", "wxyz"
    edges = [(u, v) for u, v in product(left, right) if draw.random() < 0.5]
    edges += [(left[i], right[i]) for i in range(4) if not any(left[i] == u for u, _ in edges)]
    fewest = min(crossings(edges, one, other) for one in permutations(left) for other in permutations(right))
    found = laid((*left, *right), edges, inputs=left, outputs=right)
    assert found.crossings == fewest


def crossings(edges: list[tuple[str, str]], left: tuple[str, ...], right: tuple[str, ...]) -> int:
    return sum(
        (left.index(a) - left.index(c)) * (right.index(b) - right.index(d)) < 0
        for (a, b), (c, d) in combinations(edges, 2)
    )


@pytest.mark.parametrize("name", FIGURES)
def test_inputs_stand_left_and_the_output_right(name: str) -> None:
    graph = figure(name)
    places = laid(graph.nodes, list(graph.weights), inputs=("x1", "x2"), outputs=("e",)).places
    first, last = min(x for x, _ in places.values()), max(x for x, _ in places.values())
    assert places["x1"][0] == places["x2"][0] == first
    assert [n for n in graph.nodes if places[n][0] == last] == ["e"]


def test_feedback_leads_back() -> None:
    edges = [("x", "a"), ("a", "b"), ("b", "a"), ("a", "a"), ("b", "e")]
    found = laid(("x", "a", "b", "e"), edges, feedback=[("b", "a"), ("a", "a")])
    ways = {(r.source, r.target): r.points for r in found.routes}
    assert set(ways) == {pair for pair in edges if pair[0] != pair[1]}
    assert ways["b", "a"][0][0] > ways["b", "a"][-1][0]
    assert ways["a", "b"][0][1] != ways["b", "a"][-1][1], "there and back do not lie on each other"


@pytest.mark.parametrize("seed", range(20))
def test_distances_are_kept_at_the_least_cost(seed: int) -> None:
    draw = np.random.default_rng(seed)
    wanted, gaps = np.sort(draw.normal(0, 30, 6)), draw.uniform(5, 15, 5)
    found = spaced(list(wanted), list(gaps))
    assert all(b - a >= gap - 1e-9 for (a, b), gap in zip(pairwise(found), gaps, strict=True))
    apart = LinearConstraint(np.diff(np.eye(6), axis=0), gaps)
    best = minimize(lambda y: ((y - wanted) ** 2).sum(), np.cumsum([0, *gaps]), constraints=apart)
    assert ((np.array(found) - wanted) ** 2).sum() <= best.fun + 1e-3


def test_what_is_no_picture() -> None:
    names = tuple(f"n{i}" for i in range(90))
    with pytest.raises(NotApplicable, match=r"90 neurons with [\d,]+ bends .* draw a part"):
        laid(names, [(u, v) for i, u in enumerate(names) for v in names[i + 1 :: 7]])
