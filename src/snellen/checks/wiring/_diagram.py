"""The wiring as boxes and arrows, one drawing for each module that has others inside: data for the report to draw."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from snellen.checks.wiring._base import Inspected, by
from snellen.findings.evidence import Box, Diagram
from snellen.instruments.architecture.operations import Window
from snellen.instruments.architecture.wiring import Wiring

_SILENT = frozenset(
    [
        "t",
        "transpose",
        "permute",
        "expand",
        "clone",
        "detach",
        "_to_copy",
        "alias",
        "unsqueeze",
        "squeeze",
        "copy_",
        "view",
        "_unsafe_view",
        "slice",
        "select",
        "split",
        "unbind",
        "contiguous",
        "native_dropout",
    ]
)
_NAMES = {"add": "+", "add_": "+", "mul": "×", "mul_": "×", "sub": "−", "cat": "concatenate", "bmm": "product"}


@dataclass
class _Item:
    """A thing in one drawing: a call of a module, or an operation of the module's own."""

    name: str
    kind: str
    shape: str
    row: str
    path: str
    inner: list["_Item"] = field(default_factory=list)
    arrows: list[tuple[int, int]] = field(default_factory=list)
    inside: range = range(0)
    windows: tuple[tuple[Window, ...], ...] = ()


def diagram(seen: Inspected) -> Diagram:
    """The drawing of a network, block within block."""
    rows = {layer.name for layer in seen.table.layers}
    children: list[list[int]] = [[] for _ in seen.wired.calls]
    for i, call in enumerate(seen.wired.calls):
        if call.parent >= 0 and call.nodes[1] > call.nodes[0]:
            children[call.parent].append(i)
    top = _level(seen.wired, 0, rows, children)
    return Diagram(
        "The wiring",
        _boxes(top.inner, top.arrows),
        note="A shaded box is a block: a click leads to its own drawing. A click on a layer leads to its row. Lines at "
        "the side lead around layers. Blocks in a row that are built alike are drawn once.",
    )


def _level(wired: Wiring, call: int, rows: set[str], children: Sequence[Sequence[int]]) -> _Item:
    """What a call of a module consists of: its own operations, and the calls that it made."""
    own = wired.calls[call]
    begin, end = own.nodes
    item = _Item(own.module.rpartition(".")[2], own.kind, by(own.output_shape[1:]), own.module, own.module)
    item.inside = range(begin, end)
    item.row = own.module if own.module in rows else ""
    item.windows = tuple(wired.nodes[i].windows for i in item.inside)
    if call and not children[call]:
        return item
    place: dict[int, int] = {}
    parts: list[_Item] = []
    if call == 0:
        parts.append(_Item("image", "", by(wired.input_shape[1:]), "", "image"))
        place[0] = 0
    starts = {wired.calls[i].nodes[0]: i for i in children[call]}
    at = begin
    while at < end:
        if at in starts:
            inner = _unwrapped(_level(wired, starts[at], rows, children))
            parts.append(inner)
            place |= dict.fromkeys(inner.inside, len(parts) - 1)
            at = inner.inside.stop
            continue
        node = wired.nodes[at]
        if node.kind not in _SILENT:
            kind = _NAMES.get(node.kind, node.kind.strip("_").replace("_", " "))
            parts.append(_Item(kind, "", by(node.output_shape[1:]), "", f"{own.module}.{at}"))
            place[at] = len(parts) - 1
        at += 1
    item.inner, item.arrows = parts, _arrows(wired, item.inside, place)
    return item


def _unwrapped(item: _Item) -> _Item:
    """A module that does nothing but call one other is drawn as that one."""
    while len(item.inner) == 1 and item.inner[0].kind and not item.row:
        child = item.inner[0]
        item = replace(child, name=f"{item.name}.{child.name}", inside=item.inside)
    return item


def _arrows(wired: Wiring, inside: range, place: dict[int, int]) -> list[tuple[int, int]]:
    """From item to item, through operations that are not shown."""
    sources: dict[int, set[int]] = {}

    def source(index: int) -> set[int]:
        if index in place:
            return {place[index]}
        if index not in inside:
            return {-1} if -1 not in place.values() else set()
        return sources.get(index, set())

    arrows: dict[tuple[int, int], None] = {}
    for index in inside:
        found = {s for i in wired.nodes[index].inputs for s in source(i)}
        if index in place:
            arrows |= dict.fromkeys((s, place[index]) for s in sorted(found) if s != place[index])
        else:
            sources[index] = found
    return list(arrows)


def _boxes(items: Sequence[_Item], arrows: Sequence[tuple[int, int]]) -> tuple[Box, ...]:
    """The items as boxes, neighbours that are built alike drawn once."""
    signatures = [_signature(item) for item in items]
    runs = _runs(signatures, arrows)
    place = [i for i, run in enumerate(runs) for _ in run]
    feeds: list[dict[int, None]] = [{} for _ in runs]
    for a, b in arrows:
        start = place[a] if a >= 0 else -1
        if start != place[b]:
            feeds[place[b]][start] = None
    boxes = []
    for run, feed in zip(runs, feeds, strict=True):
        item = items[run[0]]
        boxes.append(
            Box(
                name=item.name if len(run) == 1 else f"{item.name} … {items[run[-1]].name}",
                kind=item.kind,
                shape=item.shape,
                row=item.row,
                path=item.path,
                times=len(run),
                inputs=tuple(feed),
                inside=_boxes(item.inner, item.arrows),
            )
        )
    return tuple(boxes)


def _signature(item: _Item) -> tuple[object, ...]:
    inner = tuple(_signature(i) for i in item.inner)
    return item.kind, item.shape, item.name if not item.inner else "", item.windows, inner, tuple(item.arrows)


def _runs(signatures: Sequence[tuple[object, ...]], arrows: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Neighbours that are alike, have something inside, and feed nothing but each other."""
    runs: list[list[int]] = []
    sources: list[list[int]] = [[] for _ in signatures]
    targets: list[list[int]] = [[] for _ in signatures]
    for a, b in arrows:
        sources[b].append(a)
        if a >= 0:
            targets[a].append(b)
    for i, signature in enumerate(signatures):
        before, after = sources[i], targets[i - 1]
        chained = before == [i - 1] and after == [i] and signature[4] and signature == signatures[i - 1]
        if runs and chained:
            runs[-1].append(i)
        else:
            runs.append([i])
    return runs
