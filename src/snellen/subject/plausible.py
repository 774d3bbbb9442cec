"""Whether boxes are written as they are said to be."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snellen._errors import UsageError

BoxFormat = Literal["xyxy", "xywh", "cxcywh", "xyxy-parts", "xywh-parts", "cxcywh-parts"]
READINGS: Mapping[str, str] = MappingProxyType(
    {
        "xyxy": "(left, top, right, bottom) in pixels",
        "xywh": "(left, top, width, height) in pixels",
        "cxcywh": "(centre x, centre y, width, height) in pixels",
        "xyxy-parts": "(left, top, right, bottom) as parts of the image",
        "xywh-parts": "(left, top, width, height) as parts of the image",
        "cxcywh-parts": "(centre x, centre y, width, height) as parts of the image",
    }
)
"""What the four numbers mean; parts run from 0 to 1."""
ROOM = 0.01
"""How far beyond the image a box may reach and count as inside, of the image's side, besides one pixel."""
RARE = 0.02
"""Impossible boxes, of all, below which nothing is said: every large set has a few."""
FEWER = 5
"""How many times fewer impossible boxes another reading must leave."""


@dataclass(frozen=True)
class Plausibility:
    """How many boxes are impossible under each reading.

    Args:
        declared: how the boxes are said to be written.
        boxes: how many there are.
        impossible: reading -> how many are not finite, less than a pixel wide or high, or outside their image.
    """

    declared: BoxFormat
    boxes: int
    impossible: Mapping[str, int]

    @property
    def share(self) -> float:
        """The part of the boxes that is impossible as declared."""
        return self.impossible[self.declared] / self.boxes if self.boxes else 0.0

    @property
    def better(self) -> tuple[str, ...]:
        """The readings that explain the boxes much better than the declared one; none where that one does well."""
        fewest = min(self.impossible.values())
        if self.share < RARE or fewest * FEWER > self.impossible[self.declared]:
            return ()
        return tuple(reading for reading, count in self.impossible.items() if count == fewest)

    @property
    def sentence(self) -> str:
        """One sentence with the numbers."""
        told = f"{self.impossible[self.declared]:,} of {self.boxes:,} boxes are impossible as {READINGS[self.declared]}"
        if not self.better:
            return told
        read = " or ".join(READINGS[reading] for reading in self.better)
        return f"{told}; read as {read}, {self.impossible[self.better[0]]:,} are"


def plausible(boxes: ArrayLike, sizes: ArrayLike, *, declared: BoxFormat = "xyxy") -> Plausibility:
    """Count the boxes that cannot be, as declared and under every other reading of the same numbers.

    A centre taken for a corner, a width for a right edge or parts of the image for pixels make boxes that end before
    they begin, reach out of the image or are smaller than a pixel. Data that are written as declared have next to none
    of these, whatever the other readings say; so nothing is said of a set without impossible boxes, and of one with
    some only where another reading leaves a fifth of them or less.

    Args:
        boxes: (m, 4), four numbers a box, as they stand in the file.
        sizes: (m, 2), width and height of the image of each box, in pixels; or (2,) for all.
        declared: how they are said to be written.

    Raises:
        UsageError: an unknown format, shapes that do not fit.

    >>> plausible([[30, 40, 20, 10]], (100, 80)).better  # no box ends left of where it begins
    ('xywh', 'cxcywh')
    >>> plausible([[30, 40, 50, 50]], (100, 80)).better
    ()
    """
    if declared not in get_args(BoxFormat):
        raise UsageError(f"declared must be one of {', '.join(get_args(BoxFormat))}, got {declared!r}")
    numbers, of = np.asarray(boxes, dtype=np.float64).reshape(-1, 4), np.asarray(sizes, dtype=np.float64)
    if of.shape not in ((2,), (len(numbers), 2)):
        raise UsageError(f"expected a width and a height for each of {len(numbers)} boxes, got shape {of.shape}")
    of = np.broadcast_to(of, (len(numbers), 2))
    counts = {reading: int(_impossible(corners(numbers, of, reading), of).sum()) for reading in READINGS}
    return Plausibility(declared, len(numbers), MappingProxyType(counts))


def corners(boxes: NDArray[np.float64], sizes: NDArray[np.float64], reading: str) -> NDArray[np.float64]:
    """The boxes (m, 4) as (left, top, right, bottom) in pixels of images of these sizes (m, 2).

    >>> corners(np.array([[0.5, 0.5, 0.2, 1.0]]), np.array([[100.0, 80.0]]), "cxcywh-parts")
    array([[40.,  0., 60., 80.]])
    """
    kind, _, parts = reading.partition("-")
    first, second = boxes[:, :2], boxes[:, 2:]
    if kind == "xywh":
        second = first + second
    elif kind == "cxcywh":
        first, second = first - second / 2, first + second / 2
    found = np.concatenate([first, second], axis=1)
    return found * np.tile(sizes, 2) if parts else found


def _impossible(boxes: NDArray[np.float64], sizes: NDArray[np.float64]) -> NDArray[np.bool_]:
    room = 1 + ROOM * sizes
    inside = (boxes[:, :2] >= -room) & (boxes[:, 2:] <= sizes + room)
    # a little less than a pixel: 0.1 * 10 pixels written with six digits
    possible = inside & (boxes[:, 2:] - boxes[:, :2] >= 0.99)
    return np.asarray(~possible.all(axis=1))
