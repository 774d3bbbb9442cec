"""Where the neurons of a graph stand in a drawing: in layers from left to right, with few crossings."""

import itertools
import math
from bisect import bisect_right, insort
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from snellen._errors import NotApplicable

MOST_VERTICES = 3_000
"""Neurons, and bends of connections over several layers; a drawing of more is no picture."""
RADIUS = 18.0
_SWEEPS = 24
_SWITCHED = 400
_BEND = 5.0
_LOOP = 26.0
_AIR = 16.0

Point = tuple[float, float]


@dataclass(frozen=True)
class Route:
    """The way of a connection: from the border of its source to that of its target."""

    source: str
    target: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Layout:
    """Centres and widths of the neurons, the ways of the connections, and the size of all; in CSS pixels."""

    places: Mapping[str, Point]
    widths: Mapping[str, float]
    routes: tuple[Route, ...]
    crossings: int
    width: float
    height: float


def lay_out(
    nodes: Sequence[str],
    edges: Sequence[tuple[str, str]],
    *,
    inputs: Collection[str] = (),
    outputs: Collection[str] = (),
    feedback: Collection[tuple[str, str]] = (),
    widths: Mapping[str, float],
) -> Layout:
    """Place a graph in layers: every connection leads to the right, but for the feedback, which leads to the left.

    Layers are longest paths; a connection over several layers bends at each; the order in a layer comes from sweeps
    of barycentres and from exchanging neighbours; the heights from averages that keep their distance.

    Args:
        nodes: names.
        edges: connections of a neuron to itself may be among them and get no route.
        inputs: these stand in the first layer.
        outputs: these stand in the last layer, where they feed nothing.
        feedback: connections without which no circle is left.
        widths: of the neurons, in CSS pixels.

    Raises:
        NotApplicable: more neurons and bends than a picture can show.

    Reference: Sugiyama, Tagawa and Toda 1981, Methods for Visual Understanding of Hierarchical System Structures,
    IEEE Trans. SMC 11(2).

    >>> found = lay_out(["x", "a", "e"], [("x", "a"), ("a", "e")], widths={"x": 36, "a": 36, "e": 36})
    >>> found.crossings, found.places["x"][0] < found.places["a"][0] < found.places["e"][0]
    (0, True)
    """
    number = {name: i for i, name in enumerate(nodes)}
    back = set(feedback)
    pairs = [(v, u) if (u, v) in back else (u, v) for u, v in edges if u != v]
    links = [(number[u], number[v]) for u, v in pairs]
    layer = _layers(len(nodes), links, {number[i] for i in inputs}, {number[o] for o in outputs})
    chains = _bent(links, layer)
    rows, crossings = _ordered(layer, chains)
    looped = {number[u] for u, v in edges if u == v}
    heights = _heights(rows, chains, real=len(nodes), looped=looped)
    spans = [widths[name] for name in nodes] + [0.0] * (len(layer) - len(nodes))
    across = _across(rows, chains, spans, layer)
    places = {name: (across[layer[i]], heights[i]) for name, i in number.items()}
    ends = _ports(chains, heights, spans, across, layer)
    ways = [
        (start, *((across[layer[i]], heights[i]) for i in chain[1:-1]), end)
        for chain, (start, end) in zip(chains, ends, strict=True)
    ]
    straight = [(u, v) for u, v in edges if u != v]
    routes = tuple(
        Route(u, v, way[::-1] if (u, v) in back else way) for (u, v), way in zip(straight, ways, strict=True)
    )
    return Layout(
        places=places,
        widths=dict(widths),
        routes=routes,
        crossings=crossings,
        width=across[-1] + max(spans[i] for i in rows[-1]) / 2 + _AIR,
        height=max(heights) + RADIUS + _AIR,
    )


def _layers(count: int, links: Sequence[tuple[int, int]], inputs: set[int], outputs: set[int]) -> list[int]:
    """The layer of every neuron: the length of the longest path to it."""
    after: list[list[int]] = [[] for _ in range(count)]
    missing = [0] * count
    for u, v in links:
        after[u].append(v)
        missing[v] += 1
    fed = [n > 0 for n in missing]
    layer, ready, order = [0] * count, [i for i in range(count) if not missing[i]], []
    while ready:
        u = ready.pop()
        order.append(u)
        for v in after[u]:
            layer[v] = max(layer[v], layer[u] + 1)
            missing[v] -= 1
            if not missing[v]:
                ready.append(v)
    last = max(layer)
    for u in outputs:
        layer[u] = layer[u] if after[u] else last
    for u in order:
        if not fed[u] and u not in inputs and after[u]:
            layer[u] = min(layer[v] for v in after[u]) - 1
    return layer


def _bent(links: Sequence[tuple[int, int]], layer: list[int]) -> list[list[int]]:
    """The vertices of every connection; bends are numbered on from the neurons, and get their layer."""
    bends = sum(layer[v] - layer[u] - 1 for u, v in links)
    if len(layer) + bends > MOST_VERTICES:
        raise NotApplicable(
            f"{len(layer):,} neurons with {bends:,} bends of connections over several layers are no picture any more "
            f"(at most {MOST_VERTICES:,} together); draw a part of the graph"
        )
    chains = []
    for u, v in links:
        inner = range(len(layer), len(layer) + layer[v] - layer[u] - 1)
        layer.extend(range(layer[u] + 1, layer[v]))
        chains.append([u, *inner, v])
    return chains


def _ordered(layer: Sequence[int], chains: Sequence[Sequence[int]]) -> tuple[list[list[int]], int]:
    """The vertices of every layer from top to bottom, and the number of crossings that are left."""
    rows: list[list[int]] = [[] for _ in range(max(layer) + 1)]
    for i, at in enumerate(layer):
        rows[at].append(i)
    left, right = _neighbours(len(layer), chains)
    best, fewest = [list(row) for row in rows], _crossings(rows, right)
    for sweep in range(_SWEEPS):
        if not fewest:
            break
        forwards, ties = sweep % 2 == 0, 1 - 2 * (sweep // 2 % 2)
        for k in range(len(rows)) if forwards else range(len(rows) - 1, -1, -1):
            rows[k] = _sorted(rows, k, left if forwards else right, ties)
        if len(layer) <= _SWITCHED:
            _switch(rows, left, right)
        if (now := _crossings(rows, right)) < fewest:
            best, fewest = [list(row) for row in rows], now
    return best, fewest


def _sorted(rows: Sequence[Sequence[int]], k: int, beside: Sequence[Sequence[int]], ties: int) -> list[int]:
    """A layer by the mean place of the neighbours; equals stay (1) or turn round (-1), which gets out of dead ends."""
    place = {i: p for row in (rows[max(k - 1, 0)], *rows[k + 1 : k + 2], rows[k]) for p, i in enumerate(row)}

    def rank(i: int) -> tuple[float, int]:
        near = [place[j] for j in beside[i]]
        return sum(near) / len(near) if near else place[i], ties * place[i]

    return sorted(rows[k], key=rank)


def _neighbours(count: int, chains: Sequence[Sequence[int]]) -> tuple[list[list[int]], list[list[int]]]:
    left: list[list[int]] = [[] for _ in range(count)]
    right: list[list[int]] = [[] for _ in range(count)]
    for chain in chains:
        for u, v in itertools.pairwise(chain):
            right[u].append(v)
            left[v].append(u)
    return left, right


def _crossings(rows: Sequence[Sequence[int]], right: Sequence[Sequence[int]]) -> int:
    """How many pairs of connections between neighbouring layers cross."""
    total = 0
    for row, onward in itertools.pairwise(rows):
        place = {i: p for p, i in enumerate(onward)}
        passed: list[int] = []
        for i in row:
            ends = sorted(place[j] for j in right[i])
            total += sum(len(passed) - bisect_right(passed, end) for end in ends)
            for end in ends:
                insort(passed, end)
    return total


def _switch(rows: Sequence[list[int]], left: Sequence[Sequence[int]], right: Sequence[Sequence[int]]) -> None:
    """Exchange neighbours in a layer as long as that takes crossings away."""
    improved = True
    while improved:
        improved = False
        place = {i: p for row in rows for p, i in enumerate(row)}

        def over(u: int, v: int, place: Mapping[int, int] = place) -> int:
            """Crossings of the connections of u and v, with u above v."""
            return sum(place[a] > place[b] for beside in (left, right) for a in beside[u] for b in beside[v])

        for row in rows:
            for p in range(len(row) - 1):
                u, v = row[p], row[p + 1]
                if over(v, u) < over(u, v):
                    row[p], row[p + 1] = v, u
                    place[u], place[v] = p + 1, p
                    improved = True


def _heights(
    rows: Sequence[Sequence[int]], chains: Sequence[Sequence[int]], *, real: int, looped: set[int]
) -> list[float]:
    """The height of every vertex: near the average of its neighbours, most of all where a connection bends."""
    count = sum(map(len, rows))
    near: list[list[tuple[int, float]]] = [[] for _ in range(count)]
    for chain in chains:
        for u, v in itertools.pairwise(chain):
            weight = 1.0 + 3.0 * (u >= real) + 3.0 * (v >= real)
            near[u].append((v, weight))
            near[v].append((u, weight))
    above = [RADIUS + _LOOP * (i in looped) if i < real else _BEND for i in range(count)]
    below = [RADIUS if i < real else _BEND for i in range(count)]
    gaps = [[below[u] + _AIR + above[v] for u, v in itertools.pairwise(row)] for row in rows]
    heights = [0.0] * count
    for row, apart in zip(rows, gaps, strict=True):
        for i, y in zip(row, spaced([0.0] * len(row), apart), strict=True):
            heights[i] = y
    for turn in range(_SWEEPS):
        for row, apart in zip(rows, gaps, strict=True) if turn % 2 else reversed(list(zip(rows, gaps, strict=True))):
            wanted = [
                sum(heights[j] * w for j, w in near[i]) / sum(w for _, w in near[i]) if near[i] else heights[i]
                for i in row
            ]
            for i, y in zip(row, spaced(wanted, apart), strict=True):
                heights[i] = y
    top = min(y - above[i] for i, y in enumerate(heights)) - _AIR
    return [y - top for y in heights]


def spaced(wanted: Sequence[float], gaps: Sequence[float]) -> list[float]:
    """The heights nearest to the wanted ones, in least squares, that keep their order and distances."""
    offsets = [0.0]
    for gap in gaps:
        offsets.append(offsets[-1] + gap)
    blocks: list[tuple[float, int]] = []
    for y, offset in zip(wanted, offsets, strict=True):
        mean, size = y - offset, 1
        while blocks and blocks[-1][0] > mean:
            before, many = blocks.pop()
            mean, size = (before * many + mean * size) / (many + size), many + size
        blocks.append((mean, size))
    level = [mean for mean, size in blocks for _ in range(size)]
    return [y + offset for y, offset in zip(level, offsets, strict=True)]


def _across(
    rows: Sequence[Sequence[int]], chains: Sequence[Sequence[int]], spans: Sequence[float], layer: Sequence[int]
) -> list[float]:
    """The middle of every layer; more room where more connections pass."""
    passing = [0] * len(rows)
    for chain in chains:
        for u in chain[:-1]:
            passing[layer[u]] += 1
    half = [max(spans[i] for i in row) / 2 for row in rows]
    across = [_AIR + half[0]]
    for k in range(1, len(rows)):
        across.append(across[-1] + half[k - 1] + half[k] + 44.0 + min(4.0 * passing[k - 1], 60.0))
    return across


def _ports(
    chains: Sequence[Sequence[int]],
    heights: Sequence[float],
    spans: Sequence[float],
    across: Sequence[float],
    layer: Sequence[int],
) -> list[tuple[Point, Point]]:
    """Where every connection leaves and enters: spread over the side of the neuron, in the order of the other ends."""
    sides: dict[tuple[int, bool], list[tuple[float, int]]] = {}
    for k, chain in enumerate(chains):
        sides.setdefault((chain[0], True), []).append((heights[chain[1]], k))
        sides.setdefault((chain[-1], False), []).append((heights[chain[-2]], k))
    found: dict[tuple[int, bool], Point] = {}
    for (i, rightwards), ends in sides.items():
        spread = min(7.0 * (len(ends) - 1), 24.0)
        for p, (_, k) in enumerate(sorted(ends)):
            y = spread * (p / (len(ends) - 1) - 0.5) if len(ends) > 1 else 0.0
            x = spans[i] / 2 - RADIUS + math.sqrt(RADIUS**2 - y**2)
            found[k, rightwards] = (across[layer[i]] + (x if rightwards else -x), heights[i] + y)
    return [(found[k, True], found[k, False]) for k in range(len(chains))]
