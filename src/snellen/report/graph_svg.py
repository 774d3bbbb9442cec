"""A graph of neurons as an SVG file: inputs on the left, outputs on the right, right in the light and in the dark."""

import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from snellen.report.graph_layout import RADIUS, Layout, Point, lay_out

_PALETTE = (Path(__file__).parent / "templates" / "page.css").read_text(encoding="utf-8").partition("* {")[0]
_STYLE = """
.paper { fill: var(--paper) }
path { fill: none; stroke: var(--muted); stroke-width: 1.4 }
polygon { fill: var(--muted) }
rect.neuron { fill: var(--paper); stroke: var(--ink); stroke-width: 1.5 }
rect.input { fill: var(--sheet) }
rect.ring { fill: none; stroke: var(--ink); stroke-width: 1.5 }
text { fill: var(--ink); font: 15px var(--sans); text-anchor: middle; dominant-baseline: central }
text.weight { fill: var(--muted); font-size: 11px; paint-order: stroke; stroke: var(--paper); stroke-width: 8px }
.marked path { stroke: var(--series-1); stroke-width: 2.4 }
.marked polygon { fill: var(--series-1) }
.feedback path { stroke: var(--series-2); stroke-dasharray: 5 3 }
.feedback polygon { fill: var(--series-2) }
"""
_LONGEST_NAME = 18
_MOST_WEIGHTS = 60
_ARROW = 7.0


def graph_svg(
    nodes: Sequence[str],
    weights: Mapping[tuple[str, str], float],
    *,
    inputs: Collection[str] = (),
    outputs: Collection[str] = (),
    feedback: Collection[tuple[str, str]] = (),
    marked: Collection[tuple[str, str]] = (),
    title: str,
) -> str:
    """The drawing as the text of an SVG file that follows the light or dark of its reader.

    Inputs are shaded, outputs have a second ring, feedback is dashed, marked connections are thick. Weights stand
    beside the connections where any is not 1 and they are few.

    Args:
        nodes: names.
        weights: (source, target) -> weight, for every connection; a neuron may feed itself.
        inputs: they stand on the left.
        outputs: they stand on the right.
        feedback: connections without which no circle is left.
        marked: connections to show among the others, such as those of a gradient.
        title: what a screen reader says of it.

    Raises:
        NotApplicable: more neurons and connections than a picture can show.

    >>> graph_svg(["x", "e"], {("x", "e"): 1.0}, title="two neurons").count("<rect class=\\"neuron\\"")
    2
    """
    widths = {name: max(2 * RADIUS, 20 + 8.5 * len(_shown(name))) for name in nodes}
    layout = lay_out(nodes, list(weights), inputs=inputs, outputs=outputs, feedback=feedback, widths=widths)
    told = len(weights) <= _MOST_WEIGHTS and any(weight != 1 for weight in weights.values())
    parts: list[str] = []
    labels: list[str] = []
    marks, loops = set(marked), [u for u, v in weights if u == v]
    for route in sorted(layout.routes, key=lambda r: (r.source, r.target) in marks):
        pair = (route.source, route.target)
        kinds = " ".join(kind for kind, members in (("feedback", set(feedback)), ("marked", marks)) if pair in members)
        name = escape(_printable(f"{route.source} → {route.target}"))
        parts.append(f'<g class="{kinds}"><title>{name}</title>{_curve(route.points)}</g>')
        if told:
            above = sum(r.source == route.source and r.points[1][1] < route.points[1][1] for r in layout.routes)
            labels.append(_weight(weights[pair], route.points, 0.36 + 0.2 * (above % 2)))
    for name in loops:
        kinds = "feedback" + " marked" * ((name, name) in marks)
        said = escape(_printable(f"{name} → {name}"))
        parts.append(f'<g class="{kinds}"><title>{said}</title>{_loop(layout, name)}</g>')
        if told:
            x, y = layout.places[name]
            labels.append(
                f'<text class="weight" x="{x + 26:.0f}" y="{y - 34:.0f}">{_number(weights[name, name])}</text>'
            )
    parts += labels
    for name in nodes:
        parts.append(_neuron(layout, name, name in set(inputs), name in set(outputs)))
    width, height = round(layout.width), round(layout.height)
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{_attribute(title)}">\n'
        f"<title>{escape(_printable(title))}</title>\n<style>\n{_PALETTE}{_STYLE}</style>\n"
        '<rect class="paper" width="100%" height="100%"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _neuron(layout: Layout, name: str, is_input: bool, is_output: bool) -> str:
    (x, y), width = layout.places[name], layout.widths[name]
    ring = ""
    if is_output:
        ring = _box("ring", x, y, width - 8, 2 * RADIUS - 8)
    kind = "neuron input" if is_input else "neuron"
    words = f'<text x="{x:.1f}" y="{y:.1f}">{escape(_shown(name))}</text>'
    return f"<g><title>{escape(_printable(name))}</title>{_box(kind, x, y, width, 2 * RADIUS)}{ring}{words}</g>"


def _box(kind: str, x: float, y: float, width: float, height: float) -> str:
    corner = f'x="{x - width / 2:.1f}" y="{y - height / 2:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect class="{kind}" {corner} rx="{height / 2:.1f}"/>'


def _curve(points: Sequence[Point]) -> str:
    """A smooth line through points that go one way, level at both ends, with an arrow at the last."""
    way = 1.0 if points[-1][0] > points[0][0] else -1.0
    shaft = [*points[:-1], (points[-1][0] - way * _ARROW, points[-1][1])]
    slopes = [0.0, *(_slope(*three) for three in zip(shaft, shaft[1:], shaft[2:], strict=False)), 0.0]
    path = f"M{shaft[0][0]:.1f} {shaft[0][1]:.1f}"
    for (x0, y0), (x1, y1), m0, m1 in zip(shaft, shaft[1:], slopes, slopes[1:], strict=False):
        third = (x1 - x0) / 2.6
        path += f" C{x0 + third:.1f} {y0 + m0 * third:.1f} {x1 - third:.1f} {y1 - m1 * third:.1f} {x1:.1f} {y1:.1f}"
    return f'<path d="{path}"/>{_arrow(points[-1], (way, 0.0))}'


def _slope(before: Point, here: Point, after: Point) -> float:
    """The slope at a bend: none at a turning point, else between the slopes on its two sides, so no overshoot."""
    a = (here[1] - before[1]) / (here[0] - before[0])
    b = (after[1] - here[1]) / (after[0] - here[0])
    return 2 * a * b / (a + b) if a * b > 0 else 0.0


def _loop(layout: Layout, name: str) -> str:
    """From the top of a neuron to the top of the same one."""
    x, y = layout.places[name]
    dx, dy = 9.0, math.sqrt(RADIUS**2 - 81.0)
    tip, turn = (x + dx, y - dy), (x + 24.0, y - 50.0)
    length = math.hypot(tip[0] - turn[0], tip[1] - turn[1])
    aim = ((tip[0] - turn[0]) / length, (tip[1] - turn[1]) / length)
    end = (tip[0] - aim[0] * _ARROW, tip[1] - aim[1] * _ARROW)
    ways = ((x - dx, y - dy), (x - 24.0, y - 50.0), turn, end)
    start, *bends = (f"{a:.1f} {b:.1f}" for a, b in ways)
    return f'<path d="M{start} C{" ".join(bends)}"/>{_arrow(tip, aim)}'


def _arrow(tip: Point, aim: Point) -> str:
    (x, y), (a, b) = tip, aim
    back, side = _ARROW, _ARROW * 0.45
    left = (x - a * back + b * side, y - b * back - a * side)
    right = (x - a * back - b * side, y - b * back + a * side)
    return '<polygon points="' + " ".join(f"{p:.1f},{q:.1f}" for p, q in ((x, y), right, left)) + '"/>'


def _weight(weight: float, points: Sequence[Point], part: float) -> str:
    """On the way to the first bend; at a third the way there and the way back have not met."""
    (x0, y0), (x1, y1) = points[0], points[1]
    level = part * part * (3 - 2 * part)
    x, y = x0 + part * (x1 - x0), y0 + level * (y1 - y0)
    return f'<text class="weight" x="{x:.0f}" y="{y:.0f}">{_number(weight)}</text>'


def _number(weight: float) -> str:
    return f"{weight:g}".replace("-", "\N{MINUS SIGN}")


def _shown(name: str) -> str:
    plain = _printable(name)
    return plain if len(plain) <= _LONGEST_NAME else plain[: _LONGEST_NAME - 1] + "…"


def _printable(name: str) -> str:
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)


def _attribute(text: str) -> str:
    return escape(_printable(text), {'"': "&quot;"})
