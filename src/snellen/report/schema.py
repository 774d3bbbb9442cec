"""The shape of ``findings.json``, for machines that read it: pydantic models and their JSON Schema."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from snellen.findings.finding import Severity

Number: TypeAlias = float | Literal["NaN", "Infinity", "-Infinity"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ArrayDocument(_Strict):
    """An array: ``array`` is the ``.npy`` or ``.png`` file beside the document, or null where none was saved."""

    shape: tuple[int, ...]
    dtype: str
    array: str | None


class TableDocument(_Strict):
    """Rows of cells; the page shows the first ``shown``."""

    type: Literal["table"]
    title: str
    note: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | Number | None, ...], ...]
    shown: int


class SeriesDocument(_Strict):
    """A histogram has the edges of its bins in ``x``, one more than ``y``, or their middles, as many."""

    x: tuple[Number, ...]
    y: tuple[Number, ...]


class CurveDocument(_Strict):
    """Series over one axis."""

    type: Literal["curve"]
    title: str
    note: str
    kind: Literal["line", "histogram", "points"]
    x_label: str
    y_label: str
    series: dict[str, SeriesDocument]
    marks: dict[str, Number]


class MatrixDocument(_Strict):
    """Counts; ``rows`` repeats them in place where there are few enough classes to draw."""

    type: Literal["matrix"]
    title: str
    note: str
    row_label: str
    column_label: str
    names: tuple[str, ...]
    rows: tuple[tuple[int, ...], ...] | None
    values: ArrayDocument


class OutlineDocument(_Strict):
    """A rectangle on a picture: left, top, right, bottom in its pixels; the score of what is no truth but was said."""

    box: tuple[Number, Number, Number, Number]
    label: str
    kind: Literal["truth", "right", "wrong", "found"]
    score: Number | None


class PictureDocument(_Strict):
    """A picture; ``stored`` is what was computed, before it was reduced to pixels."""

    type: Literal["picture"]
    name: str
    height: int
    width: int
    stored: ArrayDocument
    boxes: tuple[OutlineDocument, ...] = ()


class HeatMapDocument(_Strict):
    """One number a pixel, with what the ends of its colour scale stand for."""

    type: Literal["heat map"]
    name: str
    height: int
    width: int
    kind: Literal["sequential", "diverging"]
    low: Number
    high: Number
    unit: str
    stored: ArrayDocument
    boxes: tuple[OutlineDocument, ...] = ()


class TileDocument(_Strict):
    """What is shown and said of one image (by its index) or one class."""

    caption: str
    image: int | None
    mark: Literal["right", "wrong", "none"]
    lines: tuple[str, ...]
    pictures: tuple[Annotated[PictureDocument | HeatMapDocument, Field(discriminator="type")], ...]


class GalleryDocument(_Strict):
    """Tiles in an order that the note explains."""

    type: Literal["gallery"]
    title: str
    note: str
    tiles: tuple[TileDocument, ...]


class BoxDocument(_Strict):
    """A layer or operation; ``inputs`` are places of boxes in the same list, -1 the input of the whole of them."""

    name: str
    kind: str
    shape: str
    row: str
    path: str
    times: int
    inputs: tuple[int, ...]
    inside: tuple["BoxDocument", ...]


class DiagramDocument(_Strict):
    """Boxes, each after those that feed it."""

    type: Literal["diagram"]
    title: str
    note: str
    boxes: tuple[BoxDocument, ...]


EvidenceDocument: TypeAlias = Annotated[
    TableDocument | CurveDocument | MatrixDocument | GalleryDocument | DiagramDocument, Field(discriminator="type")
]


class FindingDocument(_Strict):
    """One answer to one question."""

    check: str
    severity: Severity
    title: str
    sentence: str
    remedy: str
    reference: str
    measured: dict[str, Number]
    evidence: tuple[EvidenceDocument, ...]


class Document(_Strict):
    """The whole of ``findings.json``, version 1."""

    schema_: Literal["snellen-findings"] = Field(alias="schema")
    schema_version: Literal[1]
    subject: dict[str, JsonValue]
    run: dict[str, JsonValue]
    measured: dict[str, Number]
    findings: tuple[FindingDocument, ...]
    predictions: tuple[dict[str, JsonValue], ...]


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the document."""
    return Document.model_json_schema(by_alias=True)
