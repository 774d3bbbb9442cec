"""A folder in Pascal VOC's layout: JPEGImages/ and, beside it, Annotations/ with an XML file for each image."""

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn
from xml.etree import ElementTree

import numpy as np

from snellen._errors import ImagesError
from snellen.subject.load.annotated import Annotated, annotated_scenes, four_numbers
from snellen.subject.load.folder import EXTENSIONS
from snellen.subject.scenes import Scenes

CORNERS = ("xmin", "ymin", "xmax", "ymax")


class _Builder(ElementTree.TreeBuilder):
    """Without a document type nothing can be declared that would be expanded or fetched."""

    def doctype(self, name: str, *_where: str | None) -> NoReturn:
        raise ImagesError(f"declares a document type ({name}), which annotations do not need; remove it")


def voc_scenes(path: Path, *, images: Path | None = None, classes: Sequence[str] | None = None) -> Scenes:
    """The images of a Pascal VOC folder with their boxes.

    VOC counts pixels from 1, and ``xmax`` and ``ymax`` are the last ones inside: a box over the first pixel alone is
    (1, 1, 1, 1), and becomes (0, 0, 1, 1) here, so that right - left is the width. Objects marked ``difficult`` are not
    asked for, and nothing that finds them is wrong. The notes count them, and boxes that were clipped or left out.

    Args:
        path: the folder that holds ``Annotations``; or a list of names, ``ImageSets/Main/val.txt`` in it, for a part.
        images: the folder of the images if it is not ``JPEGImages``.
        classes: the class names in the order of the labels; if not given, those that occur, by alphabet.

    Raises:
        ImagesError: no such folder, XML that cannot be read or declares a document type, an object without a name or a
            box, images that are not there, classes that are not among those given.

    >>> voc_scenes(Path("VOC2007/ImageSets/Main/val.txt")).class_names[0]  # doctest: +SKIP
    'aeroplane'

    Source: Everingham et al., *The Pascal Visual Object Classes Challenge*, IJCV 2010, and its development kit.
    """
    root, files = _files(path)
    pictures = images or root / "JPEGImages"
    if not pictures.is_dir():
        raise ImagesError(f"expected the images in {pictures}, which is no folder; give it (--images FOLDER)")
    paths, sizes, rows, boxes, kinds, difficult = [], [], [], [], [], []
    for row, file in enumerate(files):
        tree = _tree(file)
        paths.append(_picture(tree, file, pictures))
        sizes.append(_size(tree))
        for item in tree.iter("object"):
            kinds.append(_text(item, "name", file))
            boxes.append(_box(item, file))
            rows.append(row)
            difficult.append((item.findtext("difficult") or "0").strip() == "1")
    names = tuple(sorted(set(kinds)))
    label = {name: index for index, name in enumerate(names)}
    notes = ["boxes read as Pascal VOC's: pixels counted from 1, the last one inside"]
    if any(difficult):
        notes.append(f"{sum(difficult):,} objects are marked difficult: not asked for, and not wrong where found")
    found = Annotated(
        pictures,
        tuple(paths),
        np.array(rows, dtype=np.int64),
        np.array(boxes, dtype=np.float64).reshape(-1, 4),
        np.array([label[kind] for kind in kinds], dtype=np.int64),
        names,
        "xyxy",
        tuple(sizes),
        tuple(notes),
        np.array(difficult, dtype=bool),
    )
    title = root.resolve().name
    return annotated_scenes(found, name=title if path == root else f"{title}, {path.stem}", classes=classes)


def _files(path: Path) -> tuple[Path, list[Path]]:
    """The folder, and the annotations that are asked for."""
    if path.is_dir():
        files = sorted((path / "Annotations").glob("*.xml"))
        if not files:
            raise ImagesError(f"expected XML files in {path / 'Annotations'}, got none")
        return path, files
    root = path.parent.parent.parent
    try:
        lines = [line.split() for line in path.read_text("utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise ImagesError(f"cannot read the list {path}: {error}. Expected one name a line.") from error
    files = [root / "Annotations" / f"{fields[0]}.xml" for fields in lines if fields]
    missing = [file.name for file in files if not file.is_file()]
    if missing or not files:
        told = f"{len(missing)} of its {len(files)} are not there, such as {missing[0]}" if missing else "it is empty"
        raise ImagesError(f"{path} should list files in {root / 'Annotations'}: {told}")
    return root, files


def _tree(file: Path) -> ElementTree.Element:
    try:
        parser = ElementTree.XMLParser(target=_Builder())
        return ElementTree.fromstring(file.read_bytes(), parser=parser)
    except ImagesError as error:
        raise ImagesError(f"{file.name} {error}") from error
    except (OSError, ElementTree.ParseError, ValueError) as error:
        raise ImagesError(f"cannot read {file.name}: {error}. Expected an annotation of Pascal VOC.") from error


def _picture(tree: ElementTree.Element, file: Path, pictures: Path) -> str:
    said = (tree.findtext("filename") or "").strip()
    names = [said] if said else []
    names += [f"{file.stem}{extension}" for extension in (".jpg", *sorted(EXTENSIONS))]
    return next((name for name in names if (pictures / name).is_file()), names[0])


def _size(tree: ElementTree.Element) -> tuple[int, int] | None:
    """Width and height; some tools write 0 where they do not know."""
    said = [(tree.findtext(f"size/{side}") or "").strip() for side in ("width", "height")]
    if not all(text.isdecimal() and int(text) for text in said):
        return None
    return int(said[0]), int(said[1])


def _box(item: ElementTree.Element, file: Path) -> list[float]:
    said = [item.findtext(f"bndbox/{corner}") or "nothing" for corner in CORNERS]
    left, top, right, bottom = four_numbers(said, f"{file.name}, {_text(item, 'name', file)}")
    return [left - 1, top - 1, right, bottom]


def _text(item: ElementTree.Element, key: str, file: Path) -> str:
    text = (item.findtext(key) or "").strip()
    if not text:
        raise ImagesError(f"{file.name}: an object has no {key}; expected one for each")
    return text
