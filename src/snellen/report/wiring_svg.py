"""A diagram as inline SVG: image at the top, scores at the bottom, ways around layers at the side, blocks that open."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from snellen.findings.evidence import Box, Diagram
from snellen.report.graph_layout import spaced
from snellen.report.inline_svg import legible
from snellen.report.names import row_anchor, slug, unique

WIDTH, HEIGHT = 290, 26
GAP, BESIDE, LANE, MARGIN = 20, 18, 11, 6
_LETTERS = 46


@dataclass(frozen=True)
class _Arrow:
    """A line from box to box; one that passes other boxes by runs in a lane at the side."""

    source: int
    target: int
    lane: int = -1


@dataclass(frozen=True)
class _Plan:
    """Where everything stands: the row of each box, its place in the row in boxes from the middle, and the lanes."""

    rows: tuple[int, ...]
    across: tuple[float, ...]
    arrows: tuple[_Arrow, ...]
    widest: float
    lanes: int


def wiring_html(diagram: Diagram) -> Markup:
    """The drawing, and below it a folded one for each block, to any depth.

    A box that has a row in a linked table leads to it; a block leads to its own drawing, which opens.
    """
    anchors = unique()
    return Markup('<div class="wiring">{}</div>').format(_level(diagram.boxes, diagram.title, anchors))


def _level(boxes: Sequence[Box], title: str, anchors: Callable[[str], str]) -> Markup:
    boxes = _entered(boxes)
    names = {box.path: anchors(f"wiring-{slug(box.path)}") for box in boxes if box.inside}
    folded = [box for box in boxes if box.inside]
    telling = next((box for box in folded if _branches(box.inside)), folded[0] if len(folded) == 1 else None)
    blocks = [_block(box, names[box.path], box is telling, anchors) for box in folded]
    inside = Markup('<div class="inside">{}</div>').format(Markup("").join(blocks)) if blocks else Markup("")
    return Markup('<div class="level">{}{}</div>').format(_svg(boxes, title, names), inside)


def _entered(boxes: Sequence[Box]) -> Sequence[Box]:
    """With a box for what the drawing as a whole is fed, so that ways around the first layers have a beginning."""
    if not any(source < 0 for box in boxes for source in box.inputs):
        return boxes
    entry = Box("input", "", "", "", "", 1, ())
    return (entry, *(replace(box, inputs=tuple(source + 1 for source in box.inputs)) for box in boxes))


def _block(box: Box, anchor: str, is_open: bool, anchors: Callable[[str], str]) -> Markup:
    """A block, folded; its anchor stands inside, because a link to what is folded away opens it."""
    return Markup(
        "<details{open}><summary>{name}{times} <code>{kind} → {shape}</code></summary>"
        '<div id="{anchor}">{inner}</div></details>'
    ).format(
        open=Markup(" open") if is_open else "",
        name=legible(box.name, 60),
        times=f" × {box.times}" if box.times > 1 else "",
        kind=legible(box.kind, 40),
        shape=box.shape,
        anchor=anchor,
        inner=_level(box.inside, box.path, anchors),
    )


def _branches(boxes: Sequence[Box]) -> bool:
    """Whether a block, or one within it, is more than a chain."""
    plan = _planned(_entered(boxes))
    return plan.lanes > 0 or plan.widest > 1 or any(_branches(box.inside) for box in boxes if box.inside)


def _svg(boxes: Sequence[Box], title: str, anchors: Mapping[str, str]) -> Markup:
    plan = _planned(boxes)
    inner = plan.widest * WIDTH + (plan.widest - 1) * BESIDE
    width = inner + 2 * MARGIN + (plan.lanes + 1) * LANE * (plan.lanes > 0)
    rows = 1 + max(plan.rows, default=0)
    height = rows * HEIGHT + (rows - 1) * GAP + 2 * MARGIN
    lines = [_line(arrow, plan, inner) for arrow in plan.arrows]
    drawn = [_box(box, *_corner(i, plan, inner), anchors.get(box.path, "")) for i, box in enumerate(boxes)]
    return Markup(
        '<div class="scroll" tabindex="0" role="region" aria-label="{label}"><svg viewBox="0 0 {w} {h}" width="{w}" '
        'height="{h}" role="group" aria-label="{label}">{lines}{boxes}</svg></div>'
    ).format(
        label=legible(title, 80),
        w=f"{width:g}",
        h=f"{height:g}",
        lines=Markup("").join(lines),
        boxes=Markup("").join(drawn),
    )


def _planned(boxes: Sequence[Box]) -> _Plan:
    """Each box below all that feed it; lines past other boxes in lanes, one a source, short ones inside."""
    rows: list[int] = []
    for box in boxes:
        rows.append(1 + max((rows[i] for i in box.inputs), default=-1))
    members: dict[int, list[int]] = {}
    for i, row in enumerate(rows):
        members.setdefault(row, []).append(i)
    across, widest = _across(boxes, members)

    def straight(source: int, target: int) -> bool:
        """Whether no box stands below the source down to the row of the target."""
        between = (i for row in range(rows[source] + 1, rows[target]) for i in members[row])
        return all(abs(across[i] - across[source]) >= 1 for i in between)

    arrows, ends = [], dict[int, int]()
    for target, box in enumerate(boxes):
        for source in box.inputs:
            if straight(source, target):
                arrows.append(_Arrow(source, target))
            else:
                ends[source] = max(ends.get(source, 0), rows[target])
    taken: list[list[tuple[int, int]]] = []
    lane_of: dict[int, int] = {}
    for source in sorted(ends, key=lambda s: (ends[s] - rows[s], rows[s])):
        first, last = rows[source], ends[source]
        free = (i for i, ways in enumerate(taken) if all(last <= a or b <= first for a, b in ways))
        lane = lane_of[source] = next(free, len(taken))
        taken[lane:] = [[*(taken[lane] if lane < len(taken) else ()), (first, last)], *taken[lane + 1 :]]
    for target, box in enumerate(boxes):
        arrows += [_Arrow(source, target, lane_of[source]) for source in box.inputs if not straight(source, target)]
    return _Plan(tuple(rows), across, tuple(arrows), widest, len(taken))


def _across(boxes: Sequence[Box], members: Mapping[int, Sequence[int]]) -> tuple[tuple[float, ...], float]:
    """Each box below the middle of what feeds it, as far as its neighbours leave room; and the width of all."""
    across = [0.0] * len(boxes)
    for row in sorted(members):
        wanted = {i: sum(across[j] for j in boxes[i].inputs) / max(len(boxes[i].inputs), 1) for i in members[row]}
        ordered = sorted(wanted, key=lambda i: (wanted[i], i))
        for i, x in zip(ordered, spaced([wanted[i] for i in ordered], [1.0] * (len(ordered) - 1)), strict=True):
            across[i] = x
    first, last = min(across, default=0.0), max(across, default=0.0)
    return tuple(x - (first + last) / 2 for x in across), last - first + 1


def _corner(i: int, plan: _Plan, inner: float) -> tuple[float, float]:
    x = MARGIN + inner / 2 + plan.across[i] * (WIDTH + BESIDE) - WIDTH / 2
    return x, MARGIN + plan.rows[i] * (HEIGHT + GAP)


def _line(arrow: _Arrow, plan: _Plan, inner: float) -> Markup:
    x1, y1 = _corner(arrow.target, plan, inner)
    end = x1 + WIDTH / 2
    x0, y0 = _corner(arrow.source, plan, inner)
    start, y0 = x0 + WIDTH / 2, y0 + HEIGHT
    if arrow.lane < 0:
        turn, middle = y1 - GAP, y1 - GAP / 2
        bend = f"V{turn:g}C{start:g} {middle:g} {end:g} {middle:g} {end:g} {y1 - 5:g}"
        bend = f"V{y1 - 5:g}" if start == end else bend
        return _path(f"M{start:g} {y0:g}{bend}", end, y1, "")
    lane = MARGIN + inner + (arrow.lane + 1) * LANE
    start, end = start + WIDTH / 4, end + WIDTH / 4
    out, into = y0 + GAP * 0.4, y1 - GAP * 0.55
    return _path(f"M{start:g} {y0:g}V{out:g}H{lane:g}V{into:g}H{end:g}V{y1 - 5:g}", end, y1, "around")


def _path(d: str, x: float, y: float, kind: str) -> Markup:
    return Markup('<path class="{k}" d="{d}"/><polygon class="{k}" points="{p}"/>').format(
        k=kind, d=d, p=f"{x:g},{y:g} {x - 4:g},{y - 7:g} {x + 4:g},{y - 7:g}"
    )


def _box(box: Box, x: float, y: float, anchor: str) -> Markup:
    times = f" × {box.times}" if box.times > 1 else ""
    room = _LETTERS - len(box.shape) - len(times)
    name = legible(box.name, max(room, 6))
    kind = legible(box.kind, room - len(name) - 1) if room - len(name) > 5 else ""
    link = f"#{anchor}" if anchor else f"#{row_anchor(box.row)}" if box.row else ""
    words = Markup(
        '<title>{full}</title><rect x="{x}" y="{y}" width="{w}" height="{h}" rx="4"/>'
        '<text class="name" x="{left}" y="{base}">{name}<tspan class="kind" dx="6">{kind}</tspan>{times}</text>'
        '<text class="shape" x="{right}" y="{base}" text-anchor="end">{shape}</text>'
    ).format(
        full=f"{box.path} {box.kind} {box.shape}",
        x=f"{x:g}",
        y=f"{y:g}",
        w=WIDTH,
        h=HEIGHT,
        left=f"{x + 9:g}",
        right=f"{x + WIDTH - 9:g}",
        base=f"{y + HEIGHT / 2 + 4:g}",
        name=name,
        kind=kind,
        times=times,
        shape=box.shape,
    )
    group = "block" if box.inside else "layer" if box.row else "plain"
    inner = Markup('<a href="{}">{}</a>').format(link, words) if link else words
    return Markup('<g class="{}">{}</g>').format(group, inner)
