"""Scenes composed of labelled pictures on photographs."""

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from snellen._errors import ImagesError, UsageError
from snellen.subject.class_names import find_class, unknown_classes
from snellen.subject.images import Images
from snellen.subject.load.backgrounds import PhotoBackgrounds
from snellen.subject.load.composed_scenes import ComposedSource, Composition, composed_scenes
from snellen.subject.load.cut_outs import CutOuts, ellipses
from snellen.subject.load.digit_scenes import COUNTS, ScenePart
from snellen.subject.load.images import load_images
from snellen.subject.load.parts import named_parts
from snellen.subject.preprocessing import Preprocessing
from snellen.subject.scenes import Scenes

MOST_CUT_OUTS = 3000
MOST_PHOTOS = 400
"""How many of each are kept in memory; drawn at random where there are more."""
SHARES = {"train": (0.0, 0.7), "val": (0.7, 0.85), "test": (0.85, 1.0)}
"""Which stretch of a shuffled set each part takes."""


def cut_out_scenes(
    cutouts: str | Path | Images,
    backgrounds: str | Path | Images,
    part: ScenePart = "test",
    *,
    count: int | None = None,
    most: int = 1,
    side: int = 80,
    classes: Sequence[str] | None = None,
    seed: int = 0,
) -> Scenes:
    """Labelled pictures as objects on photographs: real things to find where nobody has drawn boxes.

    Pictures such as CIFAR's have no transparency: each is cut to the ellipse within it, with a soft edge, and the box
    is that of the ellipse. A detector trained on such scenes finds pasted ellipses; do not expect it to find the same
    things where they were photographed. Up to a fifth of an object may lie outside the picture.

    No picture and no photograph serves two parts. Where the cut-outs come as parts (a folder with ``train.parquet`` and
    ``test.parquet``), ``train`` is made of their training part, ``val`` and ``test`` of halves of their test part;
    everything else is shuffled once and shared out, 70, 15 and 15 of a hundred.

    Args:
        cutouts: what ``load_images`` takes, with labels; the middle square of each picture is used.
        backgrounds: what ``load_images`` takes; photographs without these objects, or the truth misses some.
        part: ``train``, ``val`` or ``test``.
        count: scenes; 4,000, 500 and 1,000 if not given.
        most: objects in one scene.
        side: of the picture, in pixels.
        classes: names of the classes to use, in this order; all if not given.
        seed: another one makes other scenes of the same pictures.

    Raises:
        UsageError: a part of another name, a setting out of range.
        ImagesError: cut-outs without labels, classes they do not have, too few pictures to share out.

    >>> cut_out_scenes("cifar10", "photos", classes=("bird", "dog", "truck"))  # doctest: +SKIP
    """
    if part not in get_args(ScenePart):
        raise UsageError(f"part must be one of {', '.join(get_args(ScenePart))}, got {part!r}")
    how = Composition(side=side, most=most, outside=0.2)
    objects = _cut_outs(cutouts, part, classes, round(how.sizes[1] * side))
    photos = _photos(backgrounds, part, side)
    source = ComposedSource(
        objects,
        PhotoBackgrounds(photos),
        how,
        (seed, get_args(ScenePart).index(part)),
        COUNTS[part] if count is None else count,
    )
    return composed_scenes(
        source,
        name=f"composed scenes, {part}, {'at most one object' if most == 1 else f'up to {most} objects'}",
        notes=(
            f"made of {len(objects)} cut-outs on {len(photos)} photographs that are in no other part",
            "the cut-outs are ellipses with soft edges, and the boxes are theirs",
            "what the photographs themselves show has no box, also where it is of one of the classes",
        ),
    )


def _cut_outs(given: str | Path | Images, part: ScenePart, classes: Sequence[str] | None, side: int) -> CutOuts:
    images, share = _part_of(given, part)
    if images.labels is None or images.class_names is None:
        raise ImagesError(
            f"{images.name} has no labels or no class names; expected pictures of named objects as cut-outs"
        )
    names, labels = images.class_names, images.labels
    if classes is not None:
        found = [find_class(name, names) for name in classes]
        missing = [name for name, index in zip(classes, found, strict=True) if index is None]
        if missing or len(set(found)) < len(found):
            raise ImagesError(
                f"{images.name} has no classes {unknown_classes(missing, names)}; expected different ones of "
                f"{', '.join(names[:20])}"
                if missing
                else f"expected different classes, got {', '.join(classes)}"
            )
        table = np.full(len(names) + 1, -1, dtype=np.int64)
        table[[index for index in found if index is not None]] = np.arange(len(found))
        names, labels = tuple(classes), table[labels]
    rows = _share(np.flatnonzero(labels >= 0), share, MOST_CUT_OUTS)
    pictures = _pictures(images, rows, side)
    return ellipses(np.stack(pictures), labels[rows], names)


def _part_of(given: str | Path | Images, part: ScenePart) -> tuple[Images, tuple[float, float]]:
    """The images from which a part is taken, and which stretch of them."""
    if isinstance(given, Images):
        return given, SHARES[part]
    parts = named_parts(str(given))
    held_out = parts.get("test", parts.get("val"))
    if held_out is None:
        return load_images(given), SHARES[part]
    if part == "train":
        return load_images(parts["train"]), (0.0, 1.0)
    return load_images(held_out), (0.0, 0.5) if part == "val" else (0.5, 1.0)


def _photos(given: str | Path | Images, part: ScenePart, side: int) -> tuple[NDArray[np.uint8], ...]:
    images = given if isinstance(given, Images) else load_images(given)
    rows = _share(np.arange(len(images)), SHARES[part], MOST_PHOTOS)
    return tuple(_pictures(images, rows, 2 * side))


def _share(rows: NDArray[np.int64], share: tuple[float, float], most: int) -> NDArray[np.int64]:
    shuffled = np.random.default_rng(0).permutation(rows)
    start, stop = (round(len(rows) * end) for end in share)
    chosen = np.sort(shuffled[start:stop][:most])
    if not len(chosen):
        raise ImagesError(f"{len(rows)} pictures are too few to share out to train, val and test; expected at least 10")
    return chosen


def _pictures(images: Images, rows: NDArray[np.int64], side: int) -> list[NDArray[np.uint8]]:
    """The middle squares, RGB of 8 bits, with this side."""
    fit = Preprocessing(size=(side, side), resize=side)
    pixels = images.pixels(fit, indices=rows.tolist())
    return list((pixels * 255).round().byte().permute(0, 2, 3, 1).numpy())
