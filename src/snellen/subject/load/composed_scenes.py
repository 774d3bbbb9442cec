"""Scenes composed of cut-outs on backgrounds, with boxes that are exact because the shapes are known."""

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from snellen._errors import UsageError
from snellen.subject.images import Images
from snellen.subject.load.backgrounds import Backgrounds
from snellen.subject.load.cut_outs import VISIBLE, CutOuts, tight_box
from snellen.subject.scenes import Objects, Scenes
from snellen.subject.source import Source

TRIES = 20
"""How often a place is drawn for an object before it is left out for want of room."""
CONTRAST = 0.3
"""The least difference in grey between the paint of a stencil and the mean of what it covers, of 1."""
GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)
Box = tuple[int, int, int, int]


@dataclass(frozen=True, kw_only=True)
class Composition:
    """How many objects a scene has, how large they are, and where they may stand.

    Args:
        side: of the square picture, in pixels.
        most: objects in one scene; how many there are is drawn evenly from 1 to this.
        empty: the part of the scenes that hold no object.
        sizes: the smallest and the largest longer side of an object as parts of ``side``, drawn evenly on a log scale.
        turn: the largest angle by which an object is turned either way, in degrees.
        overlap: the largest part of a box that the box of another object may cover.
        outside: the largest part of an object's width or height that may lie outside the picture.

    Raises:
        UsageError: a setting out of range.
    """

    side: int = 80
    most: int = 1
    empty: float = 0.2
    sizes: tuple[float, float] = (0.2, 0.5)
    turn: float = 15.0
    overlap: float = 0.1
    outside: float = 0.0

    def __post_init__(self) -> None:
        small, large = self.sizes
        if self.side < 16:
            raise UsageError(f"side must be at least 16 pixels, got {self.side}")
        if self.most < 1:
            raise UsageError(f"most must be at least 1 object, got {self.most}; scenes without any are set by empty")
        if not 0 <= self.empty < 1:
            raise UsageError(f"empty must be from 0 to below 1, got {self.empty}: some scenes must hold an object")
        if not (0 < small <= large <= 1 and small * self.side >= 4):
            raise UsageError(f"sizes must be two parts of the side, the smaller of 4 pixels or more, got {self.sizes}")
        if not (0 <= self.overlap <= 1 and 0 <= self.outside < 0.5 and 0 <= self.turn <= 180):
            raise UsageError(
                f"overlap must be from 0 to 1, outside from 0 to below 0.5 and turn from 0 to 180, got {self.overlap}, "
                f"{self.outside} and {self.turn}"
            )


@dataclass(frozen=True, eq=False)
class Placed:
    """One object in its place; the arrays are cut to the picture.

    Args:
        left: column of the picture in which the arrays begin.
        top: row of the picture in which the arrays begin.
        alpha: (h, w) in [0, 1], of the object alone.
        visible: (h, w) in [0, 1], what those in front of it leave of ``alpha``.
        colour: (3, h, w) in [0, 1], or None for a stencil.
        label: its class.
    """

    left: int
    top: int
    alpha: NDArray[np.float32]
    visible: NDArray[np.float32]
    colour: NDArray[np.float32] | None
    label: int

    @property
    def box(self) -> Box | None:
        """Left, top, right, bottom around the pixels of which at least half is the object's; None if there are none."""
        inner = tight_box(self.visible >= VISIBLE / 255)
        return _moved(inner, self.left, self.top) if inner[2] else None


@dataclass(frozen=True, eq=False)
class ComposedSource(Source):
    """Scenes made when they are asked for; each depends on the seed and its index alone.

    Args:
        cut_outs: the objects; every class is drawn equally often.
        backgrounds: what stands behind them.
        composition: how many, how large, where.
        seed: whole numbers of at least 0; another seed, other scenes.
        count: how many scenes there are.
        noise: the largest standard deviation of the grey noise that lies over a whole scene, of 1.
    """

    cut_outs: CutOuts
    backgrounds: Backgrounds
    composition: Composition
    seed: tuple[int, ...]
    count: int
    noise: float = 0.0
    _rows: list[NDArray[np.int64]] = field(init=False, repr=False)
    in_memory = True

    def __post_init__(self) -> None:
        classes = self.cut_outs.classes
        object.__setattr__(self, "_rows", [np.flatnonzero(classes == label) for label in np.unique(classes)])
        if self.count < 1:
            raise UsageError(f"count must be at least 1 scene, got {self.count}")
        if min(self.seed, default=0) < 0:
            raise UsageError(f"seed must be 0 or more, got {self.seed}")

    def __len__(self) -> int:
        return self.count

    def name(self, index: int) -> str:
        return f"scene {index}"

    def placed(self, index: int) -> tuple[Placed, ...]:
        """The objects of a scene, those further behind first; one of which nothing is visible is none."""
        rng = np.random.default_rng([*self.seed, index, 0])
        how = self.composition
        if rng.random() < how.empty:
            return ()
        found: list[Placed] = []
        boxes: list[Box] = []
        for _ in range(rng.integers(1, how.most + 1)):
            row = self._row(rng)
            size, turn = np.exp(rng.uniform(*np.log(how.sizes))) * how.side, rng.uniform(-how.turn, how.turn)
            alpha, colour = self.cut_outs.drawn(row, side=size, turn=turn)
            inner = tight_box(alpha >= VISIBLE / 255)
            place = _place(rng, how, inner, boxes)
            if place is not None:
                boxes.append(_moved(inner, *place))
                found.append(_cut(place, how.side, alpha, colour, int(self.cut_outs.classes[row])))
        return tuple(one for one in _occluded(found, how.side) if one.box is not None)

    def objects(self, index: int) -> Objects:
        """The truth about a scene."""
        found = self.placed(index)
        boxes = torch.tensor([one.box for one in found], dtype=torch.float32)
        return Objects(boxes, torch.tensor([one.label for one in found], dtype=torch.int64))

    def decode(self, index: int) -> Image.Image:
        """The scene, RGB of 8 bits."""
        rng = np.random.default_rng([*self.seed, index, 1])
        picture = self.backgrounds.draw(rng, self.composition.side)
        for one in self.placed(index):
            height, width = one.alpha.shape
            beneath = picture[:, one.top : one.top + height, one.left : one.left + width]
            if one.colour is None:
                paint = _paint(rng, beneath[:, one.visible >= VISIBLE / 255].mean(axis=1))[:, None, None]
            else:
                paint = np.clip(one.colour * np.float32(rng.uniform(0.7, 1.2)), 0, 1)
            beneath += one.alpha * (paint - beneath)
        if self.noise:
            strength = np.float32(rng.uniform(0, self.noise))
            picture += rng.standard_normal(picture.shape[1:], dtype=np.float32) * strength
        np.clip(picture, 0, 1, out=picture)
        picture *= 255
        picture += np.float32(0.5)
        return Image.fromarray(np.ascontiguousarray(picture.astype(np.uint8).transpose(1, 2, 0)))

    def _row(self, rng: np.random.Generator) -> int:
        """Which cut-out: a class first, so that rare ones are not rare in the scenes."""
        rows = self._rows[rng.integers(len(self._rows))]
        return int(rows[rng.integers(len(rows))])


def composed_scenes(source: ComposedSource, *, name: str, notes: tuple[str, ...] = ()) -> Scenes:
    """The scenes of a source with the truth about each; the pictures are made when they are asked for."""
    objects = tuple(source.objects(index) for index in range(len(source)))
    images = Images(source, name=name, notes=notes)
    return Scenes(images, objects, class_names=source.cut_outs.class_names, notes=notes)


def _place(rng: np.random.Generator, how: Composition, inner: Box, taken: list[Box]) -> tuple[int, int] | None:
    """Where the upper left corner of a patch goes, None where there is no room.

    ``inner`` is the box of what is visible of the patch, in the patch's own pixels.
    """
    left, top, right, bottom = inner
    slack = [int(how.outside * length) for length in (right - left, bottom - top)]
    room = [how.side - (right - left) + slack[0], how.side - (bottom - top) + slack[1]]
    if min(room) < 0:
        return None
    for _ in range(TRIES):
        place = (int(rng.integers(-slack[0], room[0] + 1)) - left, int(rng.integers(-slack[1], room[1] + 1)) - top)
        box = _moved(inner, *place)
        if all(_covered(box, other) <= how.overlap for other in taken):
            return place
    return None


def _moved(box: Box, right: int, down: int) -> Box:
    return box[0] + right, box[1] + down, box[2] + right, box[3] + down


def _covered(a: Box, b: Box) -> float:
    """What two boxes share, as a part of the smaller one."""
    width = max(0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0, min(a[3], b[3]) - max(a[1], b[1]))
    return width * height / min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1]))


def _cut(
    place: tuple[int, int], side: int, alpha: NDArray[np.float32], colour: NDArray[np.float32] | None, label: int
) -> Placed:
    """The object without what lies outside the picture."""
    (x, y), (height, width) = place, alpha.shape
    rows, columns = slice(max(0, -y), min(height, side - y)), slice(max(0, -x), min(width, side - x))
    inside = alpha[rows, columns]
    colour = None if colour is None else colour[:, rows, columns]
    return Placed(max(0, x), max(0, y), inside, inside, colour, label)


def _occluded(found: list[Placed], side: int) -> list[Placed]:
    """The same objects, each with what those after it leave of it to be seen."""
    clear = np.ones((side, side), dtype=np.float32)
    seen = []
    for one in reversed(found):
        height, width = one.alpha.shape
        left = clear[one.top : one.top + height, one.left : one.left + width]
        seen.append(replace(one, visible=one.alpha * left))
        left *= 1 - one.alpha
    return seen[::-1]


def _paint(rng: np.random.Generator, beneath: NDArray[np.float32]) -> NDArray[np.float32]:
    """A light colour that can be told from what it covers; a dark one where that is light already."""
    colours = rng.uniform(0.45, 1, (16, 3)).astype(np.float32)
    difference = (colours - beneath) @ GREY
    clear = np.flatnonzero(difference >= CONTRAST)
    if len(clear):
        return np.asarray(colours[clear[0]])
    return np.asarray(colours[difference.argmax()] if beneath @ GREY < 0.5 else 0.3 * colours[0])
