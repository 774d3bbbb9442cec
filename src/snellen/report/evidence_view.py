"""Evidence as it stands on the page: words and numbers already set, drawings not yet drawn."""

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from snellen.findings.evidence import Curve, Diagram, Evidence, Gallery, HeatMap, Matrix, Picture, Table, Tile
from snellen.report.confusion import LEGEND, MOST_CLASSES
from snellen.report.heat import ends
from snellen.report.names import row_anchor
from snellen.report.numerals import column, is_numeric, number
from snellen.report.outlines import OutlineView, outlines, told
from snellen.report.wording import unbroken

TILES_IN_SIGHT = 12
SHORT = 24  # letters of a cell that is never broken into lines


@dataclass(frozen=True)
class TableView:
    """The rows that are shown, as words; ``total`` says how many there are, ``short`` which columns fit on one line.

    ``code``: which columns are lines of a program; they are called so.
    """

    kind: ClassVar[str] = "table"
    title: str
    columns: tuple[str, ...]
    numeric: tuple[bool, ...]
    short: tuple[bool, ...]
    code: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    total: int
    note: str
    anchors: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChartView:
    """A curve or a matrix, to be drawn unless it cannot usefully be."""

    kind: ClassVar[str] = "chart"
    title: str
    source: Curve | Matrix
    note: str


@dataclass(frozen=True)
class ScaleView:
    """The colour bar of a heat map: its kind, the values at its ends, and their unit."""

    kind: str
    low: str
    high: str
    unit: str


@dataclass(frozen=True)
class PictureView:
    """One picture of a card, and its colour bar if it is a heat map."""

    name: str
    alt: str
    source: Picture | HeatMap
    scale: ScaleView | None
    boxes: tuple[OutlineView, ...]


@dataclass(frozen=True)
class CardView:
    """A tile: pictures side by side, what they are of, and whether the network was right."""

    caption: str
    pictures: tuple[PictureView, ...]
    lines: tuple[str, ...]
    mark: str


@dataclass(frozen=True)
class GalleryView:
    """Cards; those in ``more`` are folded away."""

    kind: ClassVar[str] = "gallery"
    title: str
    first: tuple[CardView, ...]
    more: tuple[CardView, ...]
    across: int
    few: bool
    boxed: bool
    judged: bool
    note: str


@dataclass(frozen=True)
class DiagramView:
    """Boxes and arrows, to be drawn."""

    kind: ClassVar[str] = "diagram"
    title: str
    source: Diagram
    note: str


EvidenceView: TypeAlias = TableView | ChartView | GalleryView | DiagramView


def evidence_view(evidence: Evidence) -> EvidenceView:
    """One piece of evidence, set."""
    if isinstance(evidence, Table):
        return _table(evidence)
    if isinstance(evidence, Gallery):
        return _gallery(evidence)
    if isinstance(evidence, Diagram):
        return DiagramView(evidence.title, evidence, unbroken(evidence.note))
    return _chart(evidence)


def _table(table: Table) -> TableView:
    columns = [[row[i] for row in table.rows] for i in range(len(table.columns))]
    printed = [column(cells)[: table.shown] for cells in columns]
    return TableView(
        title=table.title,
        columns=table.columns,
        numeric=tuple(is_numeric(cells) for cells in columns),
        short=tuple(all(len(cell) <= SHORT for cell in cells) for cells in printed),
        code=tuple(name == "code" for name in table.columns),
        rows=tuple(zip(*printed, strict=True)),
        total=len(table.rows),
        note=unbroken(table.note),
        anchors=tuple(row_anchor(row[0]) for row in table.rows[: table.shown]) if table.linked else (),
    )


def _chart(chart: Curve | Matrix) -> ChartView:
    note = chart.note
    if isinstance(chart, Matrix):
        k = len(chart.names)
        crowd = f"{k} classes are too many to draw; the table of the most confused pairs is beside this."
        note = " ".join(filter(None, (note, LEGEND if k <= MOST_CLASSES else crowd)))
    return ChartView(chart.title, chart, unbroken(note))


def _gallery(gallery: Gallery) -> GalleryView:
    cards = tuple(_card(tile) for tile in gallery.tiles)
    across = max((len(card.pictures) for card in cards), default=1)
    return GalleryView(
        title=gallery.title,
        first=cards[:TILES_IN_SIGHT],
        more=cards[TILES_IN_SIGHT:],
        across=max(1, min(across, 4)),
        few=len(cards) <= 6,
        boxed=any(picture.boxes for card in cards for picture in card.pictures),
        judged=any(box.kind != "found" for card in cards for picture in card.pictures for box in picture.boxes),
        note=unbroken(gallery.note),
    )


def _card(tile: Tile) -> CardView:
    pictures = tuple(_picture(picture, of=tile.caption) for picture in tile.pictures)
    return CardView(tile.caption, pictures, tile.lines, tile.mark)


def _picture(picture: Picture | HeatMap, *, of: str) -> PictureView:
    scale = None
    if isinstance(picture, HeatMap):
        low, high = ends(picture)
        scale = ScaleView(picture.kind, number(low), number(high), picture.unit)
    alt = ". Boxes: ".join(filter(None, (f"{picture.name}: {of}", told(picture))))
    return PictureView(picture.name, alt, picture, scale, outlines(picture))
