"""The parts that a set of scenes comes in: what a detector is trained on, chosen by and tested on."""

import re
from pathlib import Path

from snellen.subject.load.parts import SYNONYMS

_MADE = re.compile(r"((?:digit-scenes|composed)(?:-many)?)(#.*)?")


def scene_parts(spec: str) -> dict[str, str]:
    """``train`` and, where the set has them, ``val`` and ``test``: a specification each, for ``load_scenes``.

    ``digit-scenes``, ``composed#...`` and their like without a part; a YOLO folder with ``images/train`` or ``train/
    images``, and so on; a Pascal VOC folder with lists in ``ImageSets/Main``; a COCO folder with ``train`` and ``val``
    in the names of its files. Anything else is one part, to train on.

    >>> scene_parts("digit-scenes")
    {'train': 'digit-scenes:train', 'val': 'digit-scenes:val', 'test': 'digit-scenes:test'}
    """
    folder = Path(spec).expanduser()
    made = _MADE.fullmatch(spec)
    if made and not folder.exists():
        return {part: f"{made[1]}:{part}{made[2] or ''}" for part in SYNONYMS}
    found = {part: place for part, names in SYNONYMS.items() if (place := _within(folder, names)) is not None}
    return found if "train" in found and len(found) > 1 else {"train": spec}


def _within(folder: Path, names: tuple[str, ...]) -> str | None:
    for name in names:
        for place in (folder / "images" / name, folder / "ImageSets" / "Main" / f"{name}.txt"):
            if place.exists():
                return str(place)
        if (folder / name / "labels").is_dir():
            return str(folder / name)
    files = sorted([*folder.glob("*.json"), *(folder / "annotations").glob("*.json")])
    words = [(file, re.split(r"[^a-z]+", file.stem.lower())) for file in files]
    return next((str(file) for name in names for file, parts in words if name in parts), None)
