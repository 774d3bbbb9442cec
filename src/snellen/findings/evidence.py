"""What a finding rests on: numbers, tables, curves, matrices and pictures, as data and never as figures."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Cell: TypeAlias = str | int | float | None


@dataclass(frozen=True)
class Table:
    """Rows of cells under column names. ``shown`` rows go on the page; all of them go into the JSON.

    With ``linked`` a row is where a click on the box of a diagram leads whose ``row`` is the row's first cell.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    shown: int = 20
    note: str = ""
    linked: bool = False


@dataclass(frozen=True)
class Curve:
    """One or more series over one axis. ``kind`` is how it is meant to be read, not how it is drawn.

    ``marks`` are values on the x axis worth a line and a word. The x of a histogram are the edges of its bins, one
    more than its y, or their middles, as many as its y. ``points`` are places in a plane whose axes have one scale; a
    series with NaN in it is drawn as the lines between them.
    """

    title: str
    x_label: str
    y_label: str
    series: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]]
    kind: Literal["line", "histogram", "points"] = "line"
    marks: Mapping[str, float] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, eq=False)
class Matrix:
    """Counts of rows against columns: a confusion matrix has the true class in the rows."""

    title: str
    row_label: str
    column_label: str
    names: tuple[str, ...]
    values: NDArray[np.int64]
    note: str = ""


@dataclass(frozen=True)
class Outline:
    """A rectangle on a picture, and what it is around.

    Args:
        box: left, top, right, bottom in pixels of the picture; (0, 0) is its upper left corner. It may reach beyond.
        label: of what is in it; a few letters.
        kind: what truly stands there, or what was said to: rightly, wrongly, or ``found`` where the truth is not known.
        score: how sure that was said; None for the truth.
    """

    box: tuple[float, float, float, float]
    label: str
    kind: Literal["truth", "right", "wrong", "found"] = "truth"
    score: float | None = None


@dataclass(frozen=True, eq=False)
class Picture:
    """Something to look at: uint8 (h, w, 3), as the network saw it or as an optimisation made it.

    With ``as_png`` it is kept beside the page as a picture, which other programs open, instead of an array. ``boxes``
    are drawn over it, in that picture too, and are no part of its pixels.
    """

    name: str
    pixels: NDArray[np.uint8]
    raw: NDArray[np.float32] | None = None
    as_png: bool = False
    boxes: tuple[Outline, ...] = ()


@dataclass(frozen=True, eq=False)
class HeatMap:
    """One number a pixel, float32 (h, w), with the values that the two ends of the colour scale stand for.

    ``raw`` is what was computed before it was reduced to one number a pixel, float32 (c, h, w); it goes into the
    .npy beside the page.
    """

    name: str
    values: NDArray[np.float32]
    low: float
    high: float
    unit: str
    kind: Literal["sequential", "diverging"] = "sequential"
    raw: NDArray[np.float32] | None = None
    boxes: tuple[Outline, ...] = ()


@dataclass(frozen=True, eq=False)
class Tile:
    """One subject of a gallery: an image (by its index in the set) or a class, with what is said and shown of it."""

    caption: str
    pictures: tuple[Picture | HeatMap, ...]
    _: KW_ONLY
    image: int | None = None
    lines: tuple[str, ...] = ()
    mark: Literal["right", "wrong", "none"] = "none"


@dataclass(frozen=True, eq=False)
class Gallery:
    """Tiles in an order that means something; ``note`` says which, and what the colours mean."""

    title: str
    tiles: tuple[Tile, ...]
    note: str = ""


@dataclass(frozen=True)
class Box:
    """A box of a diagram.

    Args:
        name: of the layer or the operation.
        kind: of what kind it is.
        shape: of what comes out of it.
        row: the first cell of the row of a linked table that tells more of it; empty if there is none.
        path: its name within the whole network, unlike that of any other box.
        times: so many of it stand one behind the other.
        inputs: the places, in the same drawing, of the boxes that feed it; -1 is what the drawing as a whole is fed.
        inside: what it consists of, in a drawing of its own.
    """

    name: str
    kind: str
    shape: str
    row: str
    path: str
    times: int
    inputs: tuple[int, ...]
    inside: "tuple[Box, ...]" = ()


@dataclass(frozen=True)
class Diagram:
    """Boxes and what feeds them; boxes come after those that feed them."""

    title: str
    boxes: tuple[Box, ...]
    note: str = ""


Evidence: TypeAlias = Table | Curve | Matrix | Gallery | Diagram
