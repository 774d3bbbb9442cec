"""A COCO JSON file and the folder of its images."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from snellen._errors import ImagesError
from snellen.subject.load.annotated import Annotated, annotated_scenes, four_numbers
from snellen.subject.scenes import Scenes


def coco_scenes(path: Path, *, images: Path | None = None, classes: Sequence[str] | None = None) -> Scenes:
    """The images of a COCO file with their boxes; the classes are its categories, by ascending id.

    Boxes are (left, top, width, height). Ids may have gaps and are kept. Crowds (``iscrowd``) are regions, not objects:
    nothing that is found in them is judged. Boxes without area are left out, those that reach out of their image are
    clipped. The notes count all of these. Images without objects stay.

    Args:
        path: the JSON, with ``images``, ``annotations`` and ``categories``; the files of COCO's test sets have no
            ``annotations``.
        images: the folder that the file names are relative to; if not given, the first of these that holds them:
            ``images`` in the folder of the JSON, this folder, and beside it ``images`` or ``val2017``, for
            ``instances_val2017.json``.
        classes: the class names in the order of the labels.

    Raises:
        ImagesError: not such a file, ids that are double or unknown, a box that is not four numbers, images that are
            not there, boxes that are plainly (left, top, right, bottom), classes that are not among those given.

    >>> coco_scenes(Path("annotations.json")).class_names  # doctest: +SKIP
    ('ball', 'bird')

    Source: the format of Lin et al., *Microsoft COCO*, ECCV 2014; https://cocodataset.org/#format-data
    """
    parts = _read(path)
    pictures, categories = _by_id(parts, "images", path), _by_id(parts, "categories", path)
    _by_id(parts, "annotations", path, needed=False)
    rows = {image: row for row, image in enumerate(pictures)}
    labels = {category: label for label, category in enumerate(sorted(categories, key=_in_order))}
    files = tuple(str(picture.get("file_name", "")) for picture in pictures.values())
    if "" in files:
        raise ImagesError(f"{path}: image {list(pictures)[files.index('')]!r} has no file_name; expected one for each")
    items = parts["annotations"]
    _check_links(items, rows, labels, path)
    boxes = [four_numbers(item.get("bbox") or (), f"{path.name}, annotation {item.get('id')}") for item in items]
    crowd = np.array([bool(item.get("iscrowd")) for item in items], dtype=bool)
    note = f"{crowd.sum():,} crowds (iscrowd): what is found in them is neither right nor wrong"
    found = Annotated(
        images or _image_folder(path, files),
        files,
        np.array([rows[item["image_id"]] for item in items], dtype=np.int64),
        np.array(boxes, dtype=np.float64).reshape(-1, 4),
        np.array([labels[item["category_id"]] for item in items], dtype=np.int64),
        tuple(str(categories[category].get("name", category)) for category in labels),
        "xywh",
        tuple(_size(picture) for picture in pictures.values()),
        (note,) if crowd.any() else (),
        crowd=crowd,
        image_ids=tuple(pictures),
        class_ids=tuple(labels),
    )
    return annotated_scenes(found, name=path.name, classes=classes)


def _read(path: Path) -> dict[str, list[dict[str, Any]]]:
    try:
        data = json.loads(path.read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise ImagesError(f"cannot read {path}: {error}. Expected a COCO JSON file.") from error
    wanted = ("images", "annotations", "categories")
    if not isinstance(data, dict):
        hint = "; a list of detections has no images and is no truth" if isinstance(data, list) else ""
        raise ImagesError(f"{path} should be an object with {', '.join(wanted)}, got {type(data).__name__}{hint}")
    for key in wanted:
        value = data.get(key, [] if key == "annotations" else None)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            got = f"keys {', '.join(list(data)[:8]) or 'none'}" if value is None else f"{key} as {type(value).__name__}"
            raise ImagesError(f"{path} should hold {key} as a list of objects, as COCO JSON does, got {got}")
    if not data["images"]:
        raise ImagesError(f"{path} should hold images, got an empty list")
    return {key: data.get(key, []) for key in wanted}


def _by_id(
    parts: Mapping[str, list[dict[str, Any]]], key: str, path: Path, *, needed: bool = True
) -> dict[int | str, dict[str, Any]]:
    """The items by their ids, which must be there (of annotations nothing needs them) and differ."""
    found: dict[int | str, dict[str, Any]] = {}
    for item in parts[key]:
        name = item.get("id")
        if name is None and not needed:
            continue
        if not isinstance(name, (int, str)):
            raise ImagesError(f"{path}: every one of the {key} needs an id, got {str(item)[:80]}")
        if name in found:
            raise ImagesError(f"{path}: two of the {key} have the id {name!r}; expected each id once")
        found[name] = item
    return found


def _in_order(category: int | str) -> tuple[bool, int, str]:
    return isinstance(category, str), category if isinstance(category, int) else 0, str(category)


def _check_links(
    items: Sequence[Mapping[str, Any]], rows: Mapping[int | str, int], labels: Mapping[int | str, int], path: Path
) -> None:
    for key, known, what in (("image_id", rows, "images"), ("category_id", labels, "categories")):
        wrong = [item for item in items if not isinstance(item.get(key), (int, str)) or item[key] not in known]
        if wrong:
            raise ImagesError(
                f"{path}: {len(wrong):,} of {len(items):,} annotations have a {key} that none of the {len(known):,} "
                f"{what} has; the first is annotation {wrong[0].get('id')} with {wrong[0].get(key)!r}"
            )


def _size(picture: Mapping[str, Any]) -> tuple[int, int] | None:
    width, height = picture.get("width"), picture.get("height")
    return (width, height) if isinstance(width, int) and isinstance(height, int) else None


def _image_folder(path: Path, files: Sequence[str]) -> Path:
    here, above, part = path.parent, path.parent.parent, path.stem.rpartition("_")[2]
    places = [here / "images", here, above / "images", above / part, above / "images" / part, here / part]
    for place in places:
        if (place / files[0]).is_file():
            return place
    looked = ", ".join(dict.fromkeys(map(str, places)))
    raise ImagesError(
        f"{files[0]}, the first image of {path.name}, is in none of {looked}; give the folder (--images FOLDER)"
    )
