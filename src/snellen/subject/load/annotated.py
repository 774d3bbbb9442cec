"""From boxes as a file has them to scenes: read, clipped, named, and what was wrong with them counted."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress, pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from snellen._errors import ImagesError
from snellen.subject.class_names import find_class, unknown_classes
from snellen.subject.images import Images
from snellen.subject.load.decode import FORMATS
from snellen.subject.load.folder import FolderSource
from snellen.subject.plausible import BoxFormat, corners, plausible
from snellen.subject.scenes import Ignored, Objects, Scenes

REFUSED = 0.2
"""The part of impossible boxes from which a set that another reading explains is refused, not only remarked upon."""
SIDEWAYS = (5, 6, 7, 8)
"""EXIF orientations that swap width and height."""


@dataclass(frozen=True, eq=False)
class Annotated:
    """What a file of annotations says.

    Args:
        root: the folder of the images.
        paths: the images, relative to it.
        rows: (m,) which image each box is of.
        boxes: (m, 4) the numbers as they stand in the file.
        labels: (m,) index into ``names``.
        names: the classes.
        written: what the four numbers mean.
        sizes: (width, height) of each image where the file says so.
        notes: what was left out so far.
        difficult: (m,) whether a box is of an object that is not asked for; none if not given.
        crowd: (m,) whether it is of a region of many; none if not given.
        image_ids: of each image, where the file has them.
        class_ids: of each name, where the file has them.
    """

    root: Path
    paths: tuple[str, ...]
    rows: NDArray[np.int64]
    boxes: NDArray[np.float64]
    labels: NDArray[np.int64]
    names: tuple[str, ...]
    written: BoxFormat
    sizes: tuple[tuple[int, int] | None, ...]
    notes: tuple[str, ...] = ()
    difficult: NDArray[np.bool_] | None = None
    crowd: NDArray[np.bool_] | None = None
    image_ids: tuple[int | str, ...] = ()
    class_ids: tuple[int | str, ...] = ()


def annotated_scenes(found: Annotated, *, name: str, classes: Sequence[str] | None) -> Scenes:
    """Scenes out of annotations.

    Boxes that reach out of their image are clipped, those without any area in it are left out, images that cannot be
    opened too; the notes count them all.

    Raises:
        ImagesError: files that are not there, sizes that are not those of the files, boxes that are plainly written in
            another way than the format says, classes that are not among those given.
    """
    found, notes = _opened(found)
    found = _renamed(found, classes)
    sizes = np.array(list(found.sizes), dtype=np.float64).reshape(-1, 2)
    verdict = plausible(found.boxes, sizes[found.rows], declared=found.written)
    if verdict.better:
        if verdict.share >= REFUSED:
            raise ImagesError(f"{name}: {verdict.sentence}. Convert the boxes, or give the format they are in.")
        notes.append(f"{verdict.sentence}; check the format")
    boxes, kept = _clipped(corners(found.boxes, sizes[found.rows], found.written), sizes[found.rows], notes)
    order = np.argsort(found.rows[kept], kind="stable")
    ends = np.searchsorted(found.rows[kept][order], np.arange(len(found.paths) + 1))
    none = np.zeros(len(found.rows), dtype=bool)
    columns = [found.labels, *(none if marks is None else marks for marks in (found.difficult, found.crowd))]
    label, difficult, crowd = (torch.from_numpy(column[kept][order]) for column in columns)
    corner = torch.from_numpy(boxes[order]).float()
    objects = [
        _objects(*(column[a:b] for column in (corner, label, difficult | crowd, crowd))) for a, b in pairwise(ends)
    ]
    empty = sum(one.empty for one in objects)
    if empty:
        notes.append(f"{empty:,} of {len(objects):,} images hold no object")
    images = Images(FolderSource(found.root, found.paths), name=name, notes=(*found.notes, *notes))
    return Scenes(
        images,
        tuple(objects),
        class_names=found.names,
        notes=images.notes,
        image_ids=found.image_ids,
        class_ids=found.class_ids,
    )


def _objects(boxes: Tensor, labels: Tensor, aside: Tensor, crowd: Tensor) -> Objects:
    """The objects that are asked for, and those that are not."""
    return Objects(boxes[~aside], labels[~aside], Ignored(boxes[aside], labels[aside], crowd[aside]))


def _opened(found: Annotated) -> tuple[Annotated, list[str]]:
    """The same with the size of every image, without those that cannot be opened."""
    missing = [path for path in found.paths if not (found.root / path).is_file()]
    if missing:
        raise ImagesError(
            f"{len(missing):,} of {len(found.paths):,} images are not in {found.root}: {_listed(missing)}. "
            "Give the folder that holds them (--images FOLDER)."
        )
    sizes = [upright_size(found.root / path) for path in found.paths]
    other = [
        f"{path} is {size[0]} x {size[1]} (width x height), its annotation says {said[0]} x {said[1]}"
        for path, size, said in zip(found.paths, sizes, found.sizes, strict=True)
        if size is not None and said is not None and size != said
    ]
    if other:
        raise ImagesError(
            f"{len(other):,} of {len(sizes):,} images have another size than their annotation says: "
            f"{_listed(other, '; ')}. "
            "Were the images scaled, cut or turned after the boxes were drawn? Give the original ones."
        )
    there = np.array([size is not None for size in sizes], dtype=bool)
    if there.all():
        return replace(found, sizes=tuple(sizes)), []
    if not there.any():
        raise ImagesError(f"none of {len(sizes):,} images in {found.root} can be opened: {_listed(found.paths)}")
    bad = [path for path, good in zip(found.paths, there, strict=True) if not good]
    note = f"{len(bad):,} images cannot be opened and were left out: {_listed(bad)}"
    return _of_images(replace(found, sizes=tuple(sizes)), there), [note]


def _of_images(found: Annotated, there: NDArray[np.bool_]) -> Annotated:
    """The same of some of the images."""
    kept = there[found.rows]
    return replace(
        found,
        paths=tuple(compress(found.paths, there)),
        sizes=tuple(compress(found.sizes, there)),
        image_ids=tuple(compress(found.image_ids, there)),
        rows=(np.cumsum(there) - 1)[found.rows[kept]],
        boxes=found.boxes[kept],
        labels=found.labels[kept],
        difficult=None if found.difficult is None else found.difficult[kept],
        crowd=None if found.crowd is None else found.crowd[kept],
    )


def upright_size(path: Path) -> tuple[int, int] | None:
    """Width and height of a picture as it will be decoded, from its header; None if it has none that can be read."""
    try:
        with Image.open(path, formats=FORMATS) as picture:
            width, height = picture.size
            return (height, width) if picture.getexif().get(0x0112) in SIDEWAYS else (width, height)
    except Exception:  # Pillow raises a dozen types for damaged files; decoding will say which
        return None


def _renamed(found: Annotated, classes: Sequence[str] | None) -> Annotated:
    """The labels as indices into the user's list, by name."""
    if classes is None or tuple(classes) == found.names:
        return found
    index = [find_class(name, classes) for name in found.names]
    missing = [found.names[label] for label in np.unique(found.labels) if index[label] is None]
    if missing:
        raise ImagesError(
            f"objects of {len(missing)} classes are not among the {len(classes)} given: "
            f"{unknown_classes(missing, classes)}. Spell them alike, or give all of them names."
        )
    table = np.array([-1 if at is None else at for at in index], dtype=np.int64)
    return replace(found, labels=table[found.labels], names=tuple(classes), class_ids=())


def _clipped(
    boxes: NDArray[np.float64], sizes: NDArray[np.float64], notes: list[str]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The boxes within their images that have an area there, and which they are."""
    flat = (boxes[:, 2:] <= boxes[:, :2]).any(axis=1)
    limits = np.tile(sizes, 2)
    inside = np.clip(boxes, 0, limits).astype(np.float32).astype(np.float64)
    outside = ~flat & (inside[:, 2:] <= inside[:, :2]).any(axis=1)
    kept = ~flat & ~outside
    reach = kept & (np.abs(inside - boxes) > 1e-3 * limits.clip(min=1)).any(axis=1)
    for which, told in (
        (flat, "have no width or no height and were left out"),
        (outside, "lie outside their image and were left out"),
        (reach, "reach out of their image and were clipped"),
    ):
        if which.any():
            notes.append(f"{which.sum():,} of {len(boxes):,} boxes {told}")
    return inside[kept], np.asarray(kept)


def four_numbers(values: Sequence[object], where: str) -> list[float]:
    """A box as four finite numbers; ``where`` says in the error which one it is."""
    try:
        numbers = [float(value) for value in values]  # type: ignore[arg-type]
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) != 4 or not np.isfinite(numbers).all():
        raise ImagesError(f"{where}: a box must be four finite numbers, got {str(values)[:80]}")
    return numbers


def _listed(names: Sequence[str], between: str = ", ") -> str:
    return between.join(names[:5]) + (f"{between}..." if len(names) > 5 else "")
