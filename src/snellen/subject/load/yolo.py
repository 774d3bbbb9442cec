"""A folder in YOLO's layout: images/ and, beside it, labels/ with a text file for each image."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from snellen._errors import ImagesError
from snellen.subject.load.annotated import Annotated, annotated_scenes, four_numbers
from snellen.subject.load.folder import EXTENSIONS, SPLITS
from snellen.subject.load.yolo_names import LISTS, YAMLS, yolo_names
from snellen.subject.scenes import Scenes


def yolo_scenes(folder: Path, *, images: Path | None = None, classes: Sequence[str] | None = None) -> Scenes:
    """The images of a YOLO folder with their boxes.

    ``images/a.jpg`` has its objects in ``labels/a.txt``, one a line: class, centre x, centre y, width, height, the last
    four as parts of the image. An image without a file there, or with an empty one, holds no object. The names of the
    classes stand in ``data.yaml`` or ``classes.txt``, in the folder or up to two above it. Boxes that reach out of
    their image are clipped, those without area left out; the notes count them.

    Args:
        folder: holds ``images`` and ``labels``; or the folder of the images itself, ``.../images/train``.
        images: the folder of the images, where it is another.
        classes: the class names in the order of the labels; those of the data set are found among them by name, and
            where it has none they are the names.

    Raises:
        ImagesError: no such folder, a line that is not five numbers, a class without a name, boxes that are plainly in
            pixels or in another order, classes that are not among those given.

    >>> yolo_scenes(Path("coco128/images/train2017")).class_names[0]  # doctest: +SKIP
    'person'
    """
    pictures, labels = _places(folder, images)
    paths = _listed(pictures)
    named = yolo_names((folder, folder.parent, folder.parent.parent))
    rows, lines, notes = [], [], []
    without = 0
    for row, path in enumerate(paths):
        file = (labels / path).with_suffix(".txt")
        if not file.is_file():
            without += 1
            continue
        read = _lines(file)
        rows += [row] * len(read)
        lines += read
    if without:
        notes.append(f"{without:,} of {len(paths):,} images have no file in {labels.name} and count as without objects")
    stray = sum(1 for _ in labels.rglob("*.txt")) - (len(paths) - without) - (labels / "classes.txt").is_file()
    if stray > 0:
        notes.append(f"{stray:,} text files in {labels.name} belong to no image")
    numbers = np.array([label for label, _ in lines], dtype=np.int64)
    names, note = _names(named, classes, int(numbers.max(initial=-1)) + 1, folder)
    found = Annotated(
        pictures,
        paths,
        np.array(rows, dtype=np.int64),
        np.array([box for _, box in lines], dtype=np.float64).reshape(-1, 4),
        numbers,
        names,
        "cxcywh-parts",
        (None,) * len(paths),
        (*notes, *note),
    )
    return annotated_scenes(found, name=folder.resolve().name, classes=classes)


def _places(folder: Path, images: Path | None) -> tuple[Path, Path]:
    """The folder of the images and that of the labels: the last ``images`` of the path, replaced."""
    pictures = images or (folder / "images" if (folder / "images").is_dir() else folder)
    parts = list(pictures.parts)
    if images is not None and (folder / "labels").is_dir():
        return pictures, folder / "labels"
    if "images" in parts:
        at = len(parts) - 1 - parts[::-1].index("images")
        labels = Path(*parts[:at], "labels", *parts[at + 1 :])
        if labels.is_dir():
            return pictures, labels
    raise ImagesError(
        f"expected a folder with images/ and labels/ in YOLO's layout, got {folder}, which has no labels/"
    )


def _listed(pictures: Path) -> tuple[str, ...]:
    found = [path for path in pictures.rglob("*") if path.suffix.lower() in EXTENSIONS and path.is_file()]
    paths = tuple(sorted(path.relative_to(pictures).as_posix() for path in found if not path.name.startswith(".")))
    if not paths:
        raise ImagesError(f"expected images in {pictures}, got none with an extension such as .jpg or .png")
    tops = {path.partition("/")[0] for path in paths}
    if tops <= SPLITS:
        raise ImagesError(
            f"{pictures} holds the parts {', '.join(sorted(tops))} of a data set; give one: {pictures / min(tops)}"
        )
    return paths


def _lines(file: Path) -> list[tuple[int, list[float]]]:
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ImagesError(f"cannot read {file}: {error}. Expected lines of five numbers.") from error
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        fields = line.split()
        if not fields:
            continue
        where = f"{file.name}, line {number}"
        if len(fields) != 5:
            raise ImagesError(
                f"{where}: expected five numbers, class, centre x, centre y, width and height; got {len(fields)}: "
                f"{line.strip()[:80]!r}. Outlines of more points, and boxes with a score, are not read."
            )
        if not fields[0].isdecimal():
            raise ImagesError(f"{where}: the class must be a whole number from 0 on, got {fields[0]!r}")
        found.append((int(fields[0]), four_numbers(fields[1:], where)))
    return found


def _names(
    named: tuple[tuple[str, ...], Path] | None, classes: Sequence[str] | None, needed: int, folder: Path
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if named is None and classes is None:
        note = f"no {YAMLS[0]} or {LISTS[0]} in {folder.name} or above it: the classes are named by their numbers"
        return tuple(str(index) for index in range(needed)), (note,)
    names, source = (tuple(classes or ()), "the list of classes given") if named is None else (named[0], str(named[1]))
    if needed > len(names):
        raise ImagesError(
            f"the labels name class {needed - 1}, but {source} has {len(names)} names, for 0 to {len(names) - 1}"
        )
    return names, ()
