"""Scenes of handwritten digits that need no download."""

from collections.abc import Iterable
from functools import cache
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from snellen._errors import UsageError
from snellen.subject.load.backgrounds import DrawnBackgrounds
from snellen.subject.load.composed_scenes import ComposedSource, Composition, composed_scenes
from snellen.subject.load.cut_outs import CutOuts
from snellen.subject.load.digits import digits_images
from snellen.subject.scenes import Scenes

ScenePart = Literal["train", "val", "test"]
NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
KINDS = (3, 5, 8)
"""All three are round, so that no straight line can be taken for one, and none can be told by its outline alone."""
COUNTS = {"train": 4000, "val": 500, "test": 1000}
SIDE = 64
INK = (0.3, 0.7)
"""Grey values of an enlarged digit between which its edge lies; paper below, solid ink above."""
NOISE = 0.06


def digit_scenes(
    part: ScenePart = "test",
    *,
    count: int | None = None,
    most: int = 1,
    side: int = 80,
    kinds: Iterable[int] = KINDS,
    empty: float = 0.2,
    seed: int = 0,
) -> Scenes:
    """Handwritten digits of a few kinds on drawn backgrounds, with exact boxes: objects to find, made here.

    Real digits (:func:`snellen.subject.load.digits.digits_images`), enlarged to a fifth to a half of the side, turned
    by up to 15 degrees and painted in a light colour on dark gradients and textures among line segments and blobs,
    under noise. A box is tight around the pixels that are at least half ink. No digit stands there unlabelled.

    The training digits are in ``train``; the 500 that every copy of Snellen holds out are shared out in equal halves
    to ``val`` and ``test``. Digits, backgrounds and noise of two parts have nothing in common, but 13 people wrote the
    digits, and they are in all parts.

    Args:
        part: ``train``, ``val`` or ``test``.
        count: scenes; 4,000, 500 and 1,000 if not given.
        most: objects in one scene; places in which they would overlap by more than a tenth are not taken.
        side: of the picture, in pixels.
        kinds: which digits, each a class of its own, in this order.
        empty: the part of the scenes that hold no object.
        seed: another one makes other scenes of the same digits.

    Raises:
        UsageError: a part of another name, kinds that are no digits or come twice, a setting out of range.

    >>> scenes = digit_scenes("test", count=10)
    >>> len(scenes), scenes.class_names
    (10, ('three', 'five', 'eight'))
    """
    if part not in get_args(ScenePart):
        raise UsageError(f"part must be one of {', '.join(get_args(ScenePart))}, got {part!r}")
    chosen = tuple(kinds)
    if not chosen or len(set(chosen)) < len(chosen) or not set(chosen) <= set(range(10)):
        raise UsageError(f"kinds must be different digits from 0 to 9, got {chosen}")
    source = ComposedSource(
        _digits(part, chosen),
        DrawnBackgrounds(),
        Composition(side=side, most=most, empty=empty),
        (seed, get_args(ScenePart).index(part)),
        COUNTS[part] if count is None else count,
        noise=NOISE,
    )
    return composed_scenes(
        source,
        name=f"digit scenes, {part}, {'at most one object' if most == 1 else f'up to {most} objects'}",
        notes=(
            f"made of {len(source.cut_outs)} handwritten digits that are in no other part",
            "writers are not marked and may be in several parts",
        ),
    )


def _digits(part: str, kinds: tuple[int, ...]) -> CutOuts:
    alpha, labels = _stencils(part)
    rows = np.flatnonzero(np.isin(labels, kinds))
    order = np.argsort(kinds)
    classes = order[np.searchsorted(np.array(kinds)[order], labels[rows])]
    return CutOuts(alpha[rows], classes.astype(np.int64), tuple(NAMES[digit] for digit in kinds))


@cache
def _stencils(part: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    images = digits_images("train" if part == "train" else "test")
    assert images.labels is not None
    rows = np.arange(len(images))
    if part != "train":
        # every second one of a class: halves that hold all classes alike
        turn = np.array([np.count_nonzero(images.labels[:row] == images.labels[row]) for row in rows])
        rows = rows[turn % 2 == (part == "test")]
    grey = [images.source.decode(int(row)) for row in rows]
    return np.stack([_stencil(picture) for picture in grey]), images.labels[rows]


def _stencil(grey: object) -> NDArray[np.uint8]:
    """Solid strokes out of the soft ones that enlarging makes."""
    assert isinstance(grey, Image.Image)
    large = np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.BICUBIC), dtype=np.float32) / 255
    paper, ink = INK
    return np.round(np.clip((large - paper) / (ink - paper), 0, 1) * 255).astype(np.uint8)
