"""Images in an ``.npz``, by the names of its members."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from snellen._errors import ImagesError, UsageError, unknown
from snellen.subject.images import Images
from snellen.subject.load.arrays import array_images
from snellen.subject.load.members import MAX_BYTES, Members, open_members

PAIRS = {
    "images": ("labels", "y"),
    "x": ("y", "labels"),
    "X": ("y", "Y", "labels"),
    "data": ("labels", "y", "target"),
    "test_images": ("test_labels",),
    "x_test": ("y_test",),
    "X_test": ("y_test", "Y_test"),
    "arr_0": ("arr_1",),
    "train_images": ("train_labels",),
    "x_train": ("y_train",),
}
"""Members that hold images, the first one present wins, and the members that hold their labels."""


def npz_images(
    path: Path, *, images_key: str | None = None, labels_key: str | None = None, max_bytes: int = MAX_BYTES
) -> Images:
    """The images in an ``.npz``; only the members that are needed are read, and no pickle ever is.

    Args:
        path: the file.
        images_key: the member that holds the images; one of the usual names if not given, test before train.
        labels_key: the member that holds the labels; the images' usual partner if not given.
        max_bytes: the most that a member may declare; checked before anything is allocated.

    Raises:
        UsageError: no such member.
        ImagesError: a damaged file, a pickled or too large member, arrays that are no images or labels.

    >>> npz_images(Path("data.npz")).name  # doctest: +SKIP
    'data.npz'
    """
    with open_members(path, max_bytes=max_bytes) as members:
        images_key = _images_key(path, members.infos, images_key)
        labels_key = _labels_key(path, members.infos, images_key, labels_key)
        array = members.read(images_key)
        labels = members.read(labels_key) if labels_key else None
        names, notes = _class_names(members)
    images = array_images(array, labels=labels, class_names=names, name=path.name)
    others = sorted(set(members.infos) - {images_key, labels_key, "class_names"})
    if others:
        used = images_key + (f" and {labels_key}" if labels_key else "")
        notes.append(f"read {used}; left out {', '.join(others[:5])}{', ...' if len(others) > 5 else ''}")
    return replace(images, notes=(*images.notes, *notes))


def _images_key(path: Path, members: Collection[str], chosen: str | None) -> str:
    if chosen is not None:
        if chosen not in members:
            raise unknown(f"array in {path.name}", chosen, members)
        return chosen
    usual = next((key for key in PAIRS if key in members), None)
    if usual is not None:
        return usual
    if len(members) == 1:
        return next(iter(members))
    raise UsageError(
        f"expected an array of images named {', '.join(PAIRS)} in {path.name}, "
        f"got {', '.join(members) or 'none'}. "
        f"Say which: {path.name}#images_key,labels_key (or images_key=, labels_key=)."
    )


def _labels_key(path: Path, members: Collection[str], images_key: str, chosen: str | None) -> str | None:
    if chosen is not None:
        if chosen not in members:
            raise unknown(f"array in {path.name}", chosen, members)
        return chosen
    partners: Sequence[str] = PAIRS.get(images_key, (images_key.replace("images", "labels"),))
    return next((key for key in partners if key in members and key != images_key), None)


def _class_names(members: Members) -> tuple[tuple[str, ...] | None, list[str]]:
    """The names, if they are there and are text; a pickled list of names is common, and no reason to stop."""
    if "class_names" not in members.infos:
        return None, []
    try:
        names = members.read("class_names")
    except ImagesError:
        return None, ["class_names holds pickled objects and was not read; give the names with --classes"]
    if names.ndim != 1 or names.dtype.kind not in "US":
        return None, [f"class_names is {names.dtype} of shape {names.shape}, no list of text, and was not used"]
    return tuple(n.decode("utf-8", "replace") if isinstance(n, bytes) else str(n) for n in names), []
