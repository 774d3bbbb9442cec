"""One word for any images with boxes: scenes made here, COCO JSON, a YOLO folder, a Pascal VOC folder."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from snellen._errors import ImagesError, UsageError
from snellen.subject.load.classes import read_class_list
from snellen.subject.load.digit_scenes import COUNTS, ScenePart
from snellen.subject.scenes import Scenes

Format = Literal["coco", "yolo", "voc"]
MANY = 6
"""The most objects in one scene of ``digit-scenes-many`` and ``composed-many``."""
FORMS = (
    "digit-scenes or digit-scenes-many (with :train, :val or :test), composed#CUTOUTS,PHOTOS or "
    "composed-many#CUTOUTS,PHOTOS (composed:train#...), a COCO annotations.json with its images beside it, in images/ "
    "or given as --images, a YOLO folder (images/, labels/), or a Pascal VOC folder (JPEGImages/, Annotations/)"
)
_PARTS: Mapping[str, ScenePart] = {"train": "train", "val": "val", "test": "test"}
_MADE = re.compile(r"(digit-scenes|composed)(-many)?(?::(\w+))?(?:#(.*))?")


def load_scenes(
    spec: str | Path | Scenes,
    *,
    images: str | Path | None = None,
    format: Format | None = None,
    limit: int | None = None,
    seed: int = 0,
    classes: Sequence[str] | str | Path | None = None,
) -> Scenes:
    """The images that a specification names, with the boxes and classes of what stands in them.

    Args:
        spec: ``digit-scenes`` or ``digit-scenes-many`` (at most one object or up to six; ``:train``, ``:val``,
            ``:test``, which is also what it is without), ``composed#CUTOUTS,PHOTOS`` or ``composed-many#...`` (see
            :func:`snellen.subject.load.cut_out_scenes.cut_out_scenes`), a COCO JSON file, or a folder in YOLO's or
            Pascal VOC's layout; a folder with ``annotations/`` in it, or a JSON beside its images, is COCO's.
        images: the folder of the images, where it is not where the format puts it.
        format: ``coco``, ``yolo`` or ``voc``, where what the folder holds does not tell.
        limit: at most this many, drawn at random without replacement; of scenes made here the first so many.
        seed: of that draw.
        classes: the class names in the order of the labels, or the path of a list of them; objects of other classes
            are an error. Without it the data's own.

    Raises:
        UsageError: no such form, a limit below 1.
        ImagesError: what it names cannot be used; the message says why.

    >>> load_scenes("digit-scenes", limit=3).class_names
    ('three', 'five', 'eight')
    """
    if limit is not None and limit < 1:
        raise UsageError(f"limit must be at least 1, got {limit}")
    names = read_class_list(classes) if isinstance(classes, (str, Path)) else classes
    if isinstance(spec, Scenes):
        scenes = spec
    elif (made := _MADE.fullmatch(str(spec))) and not Path(spec).exists():
        return _made(made, limit, names)
    else:
        scenes = _read(Path(spec).expanduser(), images, format, names)
    if limit is None or limit >= len(scenes):
        return scenes
    drawn = np.sort(np.random.default_rng(seed).choice(len(scenes), limit, replace=False))
    note = f"{limit} of {len(scenes)} images, drawn at random (seed {seed})"
    return replace(scenes.subset(drawn.tolist()), notes=(*scenes.notes, note))


def only_scenes(spec: str) -> bool:
    """Whether a specification can only mean scenes and no plain images: one made here, or a JSON file.

    >>> only_scenes("digit-scenes:val"), only_scenes("photos/")
    (True, False)
    """
    path = Path(spec).expanduser()
    return path.suffix.lower() == ".json" or (_MADE.fullmatch(spec) is not None and not path.exists())


def _made(made: re.Match[str], limit: int | None, classes: Sequence[str] | None) -> Scenes:
    kind, many, part, places = made.groups()
    if (part or "test") not in _PARTS:
        raise UsageError(f"{kind} come as :train, :val or :test, got {made[0]!r}")
    part = _PARTS[part or "test"]
    count, most = min(COUNTS[part], limit or COUNTS[part]), MANY if many else 1
    if kind == "digit-scenes":
        from snellen.subject.load.digit_scenes import KINDS, NAMES, digit_scenes

        if places is not None:
            raise UsageError(f"digit-scenes need no images, got {made[0]!r}")
        unknown = [name for name in classes or () if name not in NAMES]
        if unknown:
            raise ImagesError(f"the classes of digit-scenes are {', '.join(NAMES)}; got {', '.join(unknown)}")
        kinds = KINDS if classes is None else tuple(NAMES.index(name) for name in classes)
        return digit_scenes(part, count=count, most=most, kinds=kinds)
    from snellen.subject.load.cut_out_scenes import cut_out_scenes

    cutouts, comma, photos = (places or "").partition(",")
    if not (cutouts and comma and photos):
        raise UsageError(
            f"composed scenes are given as composed#CUTOUTS,PHOTOS (or composed:train#...), got {made[0]!r}"
        )
    return cut_out_scenes(cutouts, photos, part, count=count, most=most, classes=classes)


def _read(path: Path, images: str | Path | None, format: Format | None, classes: Sequence[str] | None) -> Scenes:
    if not path.exists():
        raise UsageError(f"nothing is at {path}; scenes are given as {FORMS}")
    kind, file = (format, path) if format is not None else _recognised(path)
    folder = None if images is None else Path(images).expanduser()
    if folder is not None and not folder.is_dir():
        raise ImagesError(f"expected a folder of images, got {folder}, which is none or does not exist")
    if kind == "coco":
        from snellen.subject.load.coco import coco_scenes

        return coco_scenes(_only_json(file) if file.is_dir() else file, images=folder, classes=classes)
    if kind == "yolo":
        from snellen.subject.load.yolo import yolo_scenes

        return yolo_scenes(file, images=folder, classes=classes)
    if kind == "voc":
        from snellen.subject.load.voc import voc_scenes

        return voc_scenes(file, images=folder, classes=classes)
    raise UsageError(f"format must be one of {', '.join(get_args(Format))}, got {kind!r}")


def _recognised(path: Path) -> tuple[Format, Path]:
    """The format of a file or folder by what it is called and what lies in it, and where to read it from."""
    if path.is_file():
        if path.suffix.lower() == ".json":
            return "coco", path
        if path.suffix.lower() == ".txt" and path.parent.parent.name == "ImageSets":
            return "voc", path
        if path.suffix.lower() in (".yaml", ".yml"):
            raise UsageError(
                f"{path.name} names the parts of a YOLO data set; give the folder of one, such as images/train"
            )
        raise UsageError(f"no scenes are read from {path.name}; give {FORMS}")
    if (path / "Annotations").is_dir():
        return "voc", path
    if (path / "labels").is_dir() or ("images" in path.parts and not any(path.glob("*.json"))):
        return "yolo", path
    if any(path.glob("*.json")) or any((path / "annotations").glob("*.json")):
        return "coco", path
    held = ", ".join(sorted(entry.name for entry in path.iterdir())[:8]) or "nothing"
    raise ImagesError(f"{path} holds {held}, and no boxes in a known layout; expected {FORMS}")


def _only_json(folder: Path) -> Path:
    files = sorted(folder.glob("*.json")) or sorted((folder / "annotations").glob("*.json"))
    if len(files) != 1:
        names = ", ".join(file.name for file in files[:8]) or "none"
        raise UsageError(
            f"expected one annotations file in {folder}, got {names}; give the one to read by its own path"
        )
    return files[0]
