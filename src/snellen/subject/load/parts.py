"""The parts that a data set comes in: what it is trained on, what it is chosen by, what it is tested on."""

import zipfile
from pathlib import Path

from snellen._errors import ImagesError

SYNONYMS = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
"""Part -> what people call it."""
MEMBERS = (("{}_images", "{}_labels"), ("x_{}", "y_{}"), ("X_{}", "y_{}"))
"""How the images and the labels of a part are called in an ``.npz``."""


def named_parts(spec: str) -> dict[str, str]:
    """``train`` and, where the set has them, ``val`` and ``test``: a specification each, for ``load_images``.

    ``digits``; a folder that holds ``train`` and ``val`` or ``test``, as folders or as ``.parquet`` files; an ``.npz``
    with ``train_images`` and its like. Anything else is one part, to train on.

    Raises:
        ImagesError: a part of an ``.npz`` without its labels.

    >>> named_parts("digits")
    {'train': 'digits:train', 'test': 'digits'}
    """
    if spec == "digits":
        return {"train": "digits:train", "test": "digits"}
    path = Path(spec).expanduser()
    if path.is_dir():
        found = {part: there for part, names in SYNONYMS.items() if (there := _within(path, names)) is not None}
    elif path.suffix.lower() == ".npz" and path.is_file():
        found = _members(spec, path)
    else:
        found = {}
    return found if "train" in found and len(found) > 1 else {"train": spec}


def _within(folder: Path, names: tuple[str, ...]) -> str | None:
    places = [folder / name for name in names] + [folder / f"{name}.parquet" for name in names]
    return next((str(place) for place in places if place.exists()), None)


def _members(spec: str, path: Path) -> dict[str, str]:
    try:
        with zipfile.ZipFile(path) as archive:
            there = {name.removesuffix(".npy") for name in archive.namelist()}
    except (zipfile.BadZipFile, OSError):
        return {}  # load_images says what is wrong with it
    found = {}
    for part, names in SYNONYMS.items():
        pairs = [(images.format(name), labels.format(name)) for name in names for images, labels in MEMBERS]
        pair = next((pair for pair in pairs if pair[0] in there), None)
        if pair is not None:
            if pair[1] not in there:
                raise ImagesError(
                    f"{path.name} has no {pair[1]}, the labels of its {pair[0]}; add them, or name the members that "
                    f"belong together: {spec}#images,labels"
                )
            found[part] = f"{spec}#{pair[0]},{pair[1]}"
    return found
