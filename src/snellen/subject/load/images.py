"""One word for any images: a folder, a file, the name of a set that needs no file, or arrays."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from snellen._errors import ImagesError, UsageError
from snellen.subject.class_names import find_class, unknown_classes
from snellen.subject.images import Images
from snellen.subject.load.arrays import array_images
from snellen.subject.load.folder import EXTENSIONS, FolderSource, folder_images
from snellen.subject.load.labels import as_labels
from snellen.subject.load.npy import npy_images
from snellen.subject.load.npz import npz_images
from snellen.subject.load.parquet import parquet_images

FORMS = (
    "a folder (one subfolder a class, or flat), an image file, data.npz, data.npz#images_key,labels_key, "
    "data.npy, data.parquet, digits, digits:train, digits:all, or a tensor or array (n, c, h, w)"
)


def load_images(
    spec: str | Path | NDArray[Any] | Tensor | Images,
    *,
    labels: ArrayLike | Tensor | None = None,
    classes: Sequence[str] | str | Path | None = None,
    limit: int | None = None,
    seed: int = 0,
    images_key: str | None = None,
    labels_key: str | None = None,
) -> Images:
    """The images that a specification names, with labels and class names where it has them.

    Args:
        spec: a folder, an image file, ``data.npz`` (or ``data.npz#images_key,labels_key``), ``data.npy``,
            ``data.parquet``, ``digits``, ``digits:train``, ``digits:all``, a tensor or array, or Images.
        labels: one class index an image, in place of those of the specification; -1 where unknown.
        classes: the class names in the order of the labels, or the path of a list of them. Images that come
            with class names of their own are relabelled by name.
        limit: at most this many, drawn at random without replacement, in their own order.
        seed: of that draw.
        images_key: which array of an ``.npz``, or column of a Parquet file, holds the images.
        labels_key: which one holds the labels.

    Raises:
        UsageError: no such form, a limit below 1.
        ImagesError: what it names cannot be used; the message says why.

    >>> len(load_images("digits", limit=20))
    20
    """
    if limit is not None and limit < 1:
        raise UsageError(f"limit must be at least 1, got {limit}")
    names = _class_list(classes)
    images = _loaded(spec, None if labels is not None else names, images_key, labels_key)
    if labels is not None:
        images = images.with_labels(as_labels(labels, len(images)), names or images.class_names)
    elif names is not None and images.class_names != names:
        images = _renamed(images, names)
    if limit is None or limit >= len(images):
        return images
    drawn = np.sort(np.random.default_rng(seed).choice(len(images), limit, replace=False))
    note = f"{limit} of {len(images)} images, drawn at random (seed {seed})"
    return replace(images.subset(drawn), notes=(*images.notes, note))


def _class_list(classes: Sequence[str] | str | Path | None) -> tuple[str, ...] | None:
    if not isinstance(classes, (str, Path)):
        return None if classes is None else tuple(classes)
    from snellen.subject.load.classes import read_class_list

    return read_class_list(Path(classes))


def _loaded(spec: object, classes: Sequence[str] | None, images_key: str | None, labels_key: str | None) -> Images:
    if isinstance(spec, Images):
        return spec
    if isinstance(spec, (np.ndarray, Tensor)):
        return array_images(spec)
    if not isinstance(spec, (str, Path)):
        raise UsageError(
            f"expected images as {FORMS}; got {type(spec).__name__}. Of a Dataset or DataLoader give its images as "
            "one tensor, not normalised, and labels=..."
        )
    text = str(spec)
    if text == "digits" or text.startswith("digits:"):
        return _digits(text)
    path = Path(text).expanduser()
    if "#" in text and not path.exists():
        text, _, keys = text.rpartition("#")
        path = Path(text).expanduser()
        images_key, _, last = keys.partition(",")
        images_key, labels_key = images_key or None, last or labels_key
    return _from_path(path, classes, images_key, labels_key)


def _from_path(path: Path, classes: Sequence[str] | None, images_key: str | None, labels_key: str | None) -> Images:
    if path.is_dir():
        return folder_images(path, classes=classes)
    if not path.exists():
        raise ImagesError(f"nothing is at {path}; images are given as {FORMS}")
    suffix = path.suffix.lower()
    if suffix == ".npz":
        return npz_images(path, images_key=images_key, labels_key=labels_key)
    if suffix == ".npy":
        return npy_images(path)
    if suffix == ".parquet":
        return parquet_images(path, images_key=images_key, labels_key=labels_key)
    if suffix in EXTENSIONS:
        return Images(FolderSource(path.parent, (path.name,)), name=path.name)
    raise UsageError(f"no images are read from {suffix or 'files without an extension'} ({path}); give {FORMS}")


def _digits(text: str) -> Images:
    from snellen.subject.load.digits import digits_images

    part = text.partition(":")[2] or "test"
    if part not in ("test", "train", "all"):
        raise UsageError(f"digits come as digits (the held-out part), digits:train or digits:all; got {text!r}")
    return digits_images(part)  # type: ignore[arg-type]


def _renamed(images: Images, names: tuple[str, ...]) -> Images:
    """The images under the user's class names: by name where they have their own, else by index."""
    if images.class_names is None or images.labels is None:
        return images.with_labels(images.labels, names)
    found = [find_class(name, names) for name in images.class_names]
    used = sorted({int(label) for label in images.labels if label >= 0})
    missing = [images.class_names[index] for index in used if found[index] is None]
    if not missing:
        table = np.array([-1 if index is None else index for index in found] + [-1], dtype=np.int64)
        return images.with_labels(table[images.labels], names)
    if len(missing) == len(used) and len(names) == len(images.class_names):
        note = f"classes renamed in order: {images.class_names[0]} is {names[0]}, and so on"
        return replace(images.with_labels(images.labels, names), notes=(*images.notes, note))
    raise ImagesError(
        f"{len(missing)} of the images' classes are not among the {len(names)} given: "
        f"{unknown_classes(missing, names)}. Spell them alike, or give all of them other names."
    )
