"""What stands behind the objects of a scene: drawn at random, or cut from photographs."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from snellen._errors import ImagesError

DISTRACTORS = 6
"""The most lines and blobs on one drawn background."""


class Backgrounds(ABC):
    """Where backgrounds come from; cheap to pickle."""

    @abstractmethod
    def draw(self, rng: np.random.Generator, side: int) -> NDArray[np.float32]:
        """One background (3, side, side) in [0, 1]; the same state of ``rng``, the same background."""


@dataclass(frozen=True)
class DrawnBackgrounds(Backgrounds):
    """A dark gradient between two colours, a soft texture over it, then line segments and blobs as light as ink.

    Without the lines and blobs every light pixel would be an object, and finding objects would need no looking.
    """

    def draw(self, rng: np.random.Generator, side: int) -> NDArray[np.float32]:
        start, end = rng.uniform(0.03, 0.45, (2, 3)).astype(np.float32)
        angle = rng.uniform(0, 2 * np.pi)
        axis = np.linspace(-0.5, 0.5, side, dtype=np.float32)
        slope = axis[:, None] * np.float32(np.sin(angle)) + axis[None, :] * np.float32(np.cos(angle)) + 0.5
        picture = _planes(start) + _planes(end - start) * np.clip(slope, 0, 1)
        picture += _planes(rng.uniform(-0.25, 0.25, 3)) * _texture(rng, side)
        for _ in range(rng.integers(0, DISTRACTORS + 1)):
            shape = _segment(rng, side) if rng.random() < 0.6 else _blob(rng, side)
            shape *= np.float32(rng.uniform(0.5, 1))
            picture += shape * (_planes(rng.uniform(0.2, 1, 3)) - picture)
        return np.clip(picture, 0, 1, out=picture)


@dataclass(frozen=True, eq=False)
class PhotoBackgrounds(Backgrounds):
    """Random squares of photographs, every second one mirrored.

    Args:
        photos: (h, w, 3) uint8 each, of any size.

    Raises:
        ImagesError: no photographs.
    """

    photos: tuple[NDArray[np.uint8], ...]

    def __post_init__(self) -> None:
        if not self.photos:
            raise ImagesError("expected at least one photograph to cut backgrounds from, got none")

    def draw(self, rng: np.random.Generator, side: int) -> NDArray[np.float32]:
        photo = self.photos[rng.integers(len(self.photos))]
        height, width = photo.shape[:2]
        cut = round(float(min(height, width) * rng.uniform(0.6, 1)))
        top, left = rng.integers(height - cut + 1), rng.integers(width - cut + 1)
        square = Image.fromarray(photo[top : top + cut, left : left + cut])
        if rng.random() < 0.5:
            square = square.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        picture = np.asarray(square.resize((side, side), Image.Resampling.BICUBIC))
        return picture.transpose(2, 0, 1) * np.float32(1 / 255)


def _planes(colour: NDArray[np.floating]) -> NDArray[np.float32]:
    """(3, 1, 1): arithmetic on planes is several times as fast as on pixels of three numbers."""
    return colour.astype(np.float32)[:, None, None]


def _texture(rng: np.random.Generator, side: int) -> NDArray[np.float32]:
    """Smooth noise from -1 to 1: a coarse grid of random values, enlarged."""
    cells = int(rng.integers(3, 17))
    grid = Image.fromarray(rng.uniform(-1, 1, (cells, cells)).astype(np.float32))
    return np.asarray(grid.resize((side, side), Image.Resampling.BICUBIC), dtype=np.float32)


def _segment(rng: np.random.Generator, side: int) -> NDArray[np.float32]:
    """Opacity of a straight stroke with soft edges: near 1 where the distance to the segment is small."""
    x, y = rng.uniform(0, side, 2)
    angle, length = rng.uniform(0, np.pi), rng.uniform(0.15, 0.6) * side
    along_x, along_y = np.cos(angle), np.sin(angle)
    axis = np.arange(side, dtype=np.float32) + 0.5
    right, down = (axis - np.float32(x))[None, :], (axis - np.float32(y))[:, None]
    along = np.clip(right * np.float32(along_x) + down * np.float32(along_y), 0, np.float32(length))
    distance = np.sqrt((right - along * np.float32(along_x)) ** 2 + (down - along * np.float32(along_y)) ** 2)
    return np.clip(np.float32(rng.uniform(0.5, 2.5) + 0.5) - distance, 0, 1)


def _blob(rng: np.random.Generator, side: int) -> NDArray[np.float32]:
    """Opacity of an ellipse with its axes along the picture's."""
    x, y = rng.uniform(0, side, 2)
    wide, high = rng.uniform(0.02, 0.12, 2) * side
    axis = np.arange(side, dtype=np.float32) + 0.5
    right, down = (axis - np.float32(x)) / np.float32(wide), (axis - np.float32(y)) / np.float32(high)
    radius = np.sqrt((right**2)[None, :] + (down**2)[:, None])
    return np.asarray(np.clip((1 - radius) * np.float32(min(wide, high)) + 0.5, 0, 1))
