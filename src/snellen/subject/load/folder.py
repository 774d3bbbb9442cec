"""A folder of pictures: one class a subfolder, or flat and without labels."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from snellen._errors import ImagesError
from snellen.subject.class_names import WNID, find_class, unknown_classes
from snellen.subject.images import Images
from snellen.subject.load.decode import decode_file
from snellen.subject.source import Picture, Source

_USUAL = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
EXTENSIONS = frozenset((*_USUAL, ".ppm", ".pgm", ".pbm", ".pnm"))
SPLITS = frozenset(("train", "training", "val", "valid", "validation", "test", "testing"))


@dataclass(frozen=True, eq=False)
class FolderSource(Source):
    """Files below a root; the paths are relative to it."""

    root: Path
    paths: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.paths)

    def name(self, index: int) -> str:
        return self.paths[index]

    def decode(self, index: int) -> Picture:
        return decode_file(self.root / self.paths[index])


def folder_images(root: Path, *, classes: Sequence[str] | None = None) -> Images:
    """The pictures below a folder, in torchvision's ImageFolder layout where it has subfolders.

    Each first-level subfolder is a class, however deep its files lie, and the classes are sorted as text.
    A report that was written among them is passed over, for its pictures are no images of the set.
    Folders named by WordNet id (``n01440764``) get ImageNet's order and names. Hidden files are passed over;
    files with other extensions too, and counted in the notes.

    Args:
        root: the folder.
        classes: the class names in the order of the labels; each subfolder must be one of them.

    Raises:
        ImagesError: no such folder, no pictures in it, subfolders not among ``classes``, or splits.

    >>> folder_images(Path("photos")).class_names  # doctest: +SKIP
    ('cat', 'dog')
    """
    if not root.is_dir():
        raise ImagesError(f"expected a folder of images, got {root}, which is none or does not exist")
    folders, ignored, reports = _listed(root)
    loose = folders.pop("", [])
    empty = [name for name, paths in folders.items() if not paths]
    folders = {name: sorted(paths) for name, paths in sorted(folders.items()) if paths}
    if not folders and not loose:
        raise ImagesError(_nothing(root, ignored))
    notes = _notes(ignored, empty, reports)
    if not folders:
        return Images(FolderSource(root, tuple(sorted(loose))), name=_title(root), notes=tuple(notes))
    if set(map(str.lower, folders)) <= SPLITS:
        raise ImagesError(
            f"expected one subfolder a class in {root}, got {', '.join(folders)}, which look like the splits "
            f"of a data set. Give one of them: {root / next(iter(folders))}"
        )
    names, index_of = _classes(root, tuple(folders), classes, notes)
    if loose:
        notes.append(f"{len(loose)} images lie beside the class folders and have no label")
    paths = [*sorted(loose), *(path for group in folders.values() for path in group)]
    labels = [-1] * len(loose) + [index_of[name] for name, group in folders.items() for _ in group]
    return Images(
        FolderSource(root, tuple(paths)),
        labels=np.array(labels, dtype=np.int64),
        class_names=names,
        name=_title(root),
        notes=tuple(notes),
    )


def _listed(root: Path) -> tuple[dict[str, list[str]], Counter[str], list[str]]:
    """Picture paths by first-level folder ("" for the root itself), the other extensions counted, and reports."""
    folders: dict[str, list[str]] = {}
    ignored: Counter[str] = Counter()
    reports: list[str] = []
    for path, is_folder in _walk(root, "", ()):
        if is_folder and _is_report(root / path):
            reports.append(path)
            continue
        top, _, rest = path.partition("/")
        if is_folder:
            folders.setdefault(top, [])
        elif (extension := PurePosixPath(path).suffix.lower()) in EXTENSIONS:
            folders.setdefault(top if rest else "", []).append(path)
        else:
            ignored[extension or "no extension"] += 1
    return folders, ignored, reports


def _walk(folder: Path, prefix: str, above: tuple[tuple[int, int], ...]) -> Iterator[tuple[str, bool]]:
    """Every file and folder below, as a path relative to the root, and whether it is a folder."""
    try:
        status = folder.stat()
        entries = [entry for entry in os.scandir(folder) if not entry.name.startswith(".")]
    except OSError as error:
        raise ImagesError(f"the folder {folder} cannot be listed: {error.strerror}") from error
    here = (status.st_dev, status.st_ino)
    if here in above:  # a link to a folder that it lies in
        return
    for entry in entries:
        path = prefix + entry.name
        yield path, entry.is_dir()
        if entry.is_dir() and not _is_report(Path(entry.path)):
            yield from _walk(Path(entry.path), path + "/", (*above, here))


def _is_report(folder: Path) -> bool:
    return (folder / "findings.json").is_file() and (folder / "index.html").is_file()


def _classes(
    root: Path, folders: tuple[str, ...], classes: Sequence[str] | None, notes: list[str]
) -> tuple[tuple[str, ...], dict[str, int]]:
    if classes is None and all(WNID.fullmatch(name) for name in folders):
        from snellen.subject.load.classes import imagenet_names, imagenet_wnids

        order = {wnid: index for index, wnid in enumerate(imagenet_wnids())}
        if all(name in order for name in folders):
            notes.append(f"{len(folders)} folders named by WordNet id, labelled in ImageNet's order")
            return imagenet_names(), {name: order[name] for name in folders}
    if classes is None:
        if all(name.isdecimal() for name in folders) and list(folders) != sorted(folders, key=int):
            notes.append("folder names are numbers and were sorted as text (1, 10, 2), as torchvision does")
        return folders, {name: index for index, name in enumerate(folders)}
    found = {name: find_class(name, classes) for name in folders}
    missing = [name for name, index in found.items() if index is None]
    if missing:
        raise ImagesError(
            f"{len(missing)} of {len(folders)} folders in {root} are not among the {len(classes)} classes: "
            f"{unknown_classes(missing, classes)}. Rename them, or give the list that names them (--classes)."
        )
    return tuple(classes), {name: index for name, index in found.items() if index is not None}


def _notes(ignored: Counter[str], empty: Sequence[str], reports: Sequence[str]) -> list[str]:
    notes = []
    if ignored:
        kinds = ", ".join(extension for extension, _ in ignored.most_common(5))
        count = sum(ignored.values())
        notes.append(f"ignored {count} file{'s' if count > 1 else ''} with other extensions ({kinds})")
    if empty:
        listed = ", ".join(sorted(empty)[:5]) + (", ..." if len(empty) > 5 else "")
        notes.append(f"{len(empty)} folder{'s' if len(empty) > 1 else ''} without images: {listed}")
    if reports:
        listed = ", ".join(sorted(reports)[:5]) + (", ..." if len(reports) > 5 else "")
        notes.append(f"passed over {len(reports)} report{'s' if len(reports) > 1 else ''} of Snellen: {listed}")
    return notes


def _nothing(root: Path, ignored: Counter[str]) -> str:
    seen = ", ".join(f"{count} {extension}" for extension, count in ignored.most_common(5))
    return (
        f"expected images in {root}, got {seen or 'an empty folder'}. "
        f"Extensions read: {' '.join(sorted(EXTENSIONS))}; a .npz, .npy or .parquet is given by its own path."
    )


def _title(root: Path) -> str:
    return root.resolve().name or str(root)
