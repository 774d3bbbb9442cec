"""Two sets out of one specification: images to search among, and images to ask about."""

import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from snellen._errors import ImagesError, UsageError
from snellen.subject.images import Images
from snellen.subject.load.images import load_images

PAIRS = (
    ("train_images", "train_labels", "test_images", "test_labels"),
    ("x_train", "y_train", "x_test", "y_test"),
    ("X_train", "y_train", "X_test", "y_test"),
)
"""Members of an ``.npz`` that hold two labelled sets."""
FOLDERS = ("test", "val", "valid", "validation")


def load_splits(
    spec: str, *, queries: str | None = None, classes: str | None = None, share: float = 0.2, seed: int = 0
) -> tuple[Images, Images]:
    """Points and queries: the training and the test part where a set has both, else a part held out.

    An ``.npz`` with ``train_images`` and ``test_images`` (or ``x_train`` and ``x_test``), a folder with ``train`` and
    ``test`` (or ``val``), and ``digits`` have two parts. Of anything else a share of every class is drawn by the seed;
    the notes say so.

    Args:
        spec: what :func:`load_images` takes.
        queries: another specification for the queries; then ``spec`` is all points.
        classes: the path of a list of class names.
        share: of every class, held out as queries where there is no other way.
        seed: of that draw.

    Raises:
        UsageError: a share outside (0, 1), a specification that names no images.
        ImagesError: a part without labels, named with its keys; too few images to hold any out.

    >>> [len(images) for images in load_splits("digits")]
    [1297, 500]
    """
    if not 0 < share < 1:
        raise UsageError(f"share must lie between 0 and 1, got {share}")
    if queries is not None:
        return load_images(spec, classes=classes), load_images(queries, classes=classes)
    named = _parts(spec)
    if named is not None:
        points, asked = (load_images(part, classes=classes) for part in named)
        return points, asked
    return _held_out(load_images(spec, classes=classes), share, seed)


def _parts(spec: str) -> tuple[str, str] | None:
    """The specifications of the two parts, where the set has two."""
    if spec == "digits":
        return "digits:train", "digits"
    path = Path(spec).expanduser()
    if path.is_dir() and (path / "train").is_dir():
        other = next((path / name for name in FOLDERS if (path / name).is_dir()), None)
        return None if other is None else (str(path / "train"), str(other))
    if path.suffix.lower() == ".npz" and path.is_file():
        return _members(spec, path)
    return None


def _members(spec: str, path: Path) -> tuple[str, str] | None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.removesuffix(".npy") for name in archive.namelist()}
    except (zipfile.BadZipFile, OSError):
        return None  # load_images says what is wrong with it
    for images, labels, other, other_labels in PAIRS:
        if {images, other} <= names:
            missing = [key for key in (labels, other_labels) if key not in names]
            if missing:
                of = " and ".join(images if key == labels else other for key in missing)
                raise ImagesError(
                    f"{path.name} has no {' and no '.join(missing)}, the labels of its {of}; expected labels of both "
                    f"parts. Add them, or name the sets: {spec}#images,labels and --queries."
                )
            return f"{spec}#{images},{labels}", f"{spec}#{other},{other_labels}"
    return None


def _held_out(images: Images, share: float, seed: int) -> tuple[Images, Images]:
    if images.labels is None:
        raise ImagesError(
            f"{images.name} has no labels, and neighbours vote with theirs; expected class folders, an .npz with "
            "labels (data.npz#images_key,labels_key), or a Parquet file with a label column"
        )
    rng = np.random.default_rng(seed)
    out: list[NDArray[np.int64]] = []
    for label in np.unique(images.labels[images.labels >= 0]):
        rows = rng.permutation(np.flatnonzero(images.labels == label))
        out.append(rows[: round(len(rows) * share)])
    chosen = np.sort(np.concatenate(out)) if out else np.array([], dtype=np.int64)
    if not len(chosen):
        raise ImagesError(
            f"{images.name} has too few images of each class to hold {share:.0%} out; give other images as --queries"
        )
    rest: Sequence[int] = np.setdiff1d(np.arange(len(images)), chosen).tolist()
    note = f"{len(chosen)} of {len(images)} images, {share:.0%} of every class, were held out as queries (seed {seed})"
    asked = images.subset(chosen)
    return replace(images.subset(rest), notes=(*images.notes, note)), replace(asked, name=f"{images.name}, held out")
