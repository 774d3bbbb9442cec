"""A report as a folder: ``index.html``, ``findings.json``, ``arrays/*.npy`` and ``pictures/*.png``, all or nothing."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from snellen._atomic import new_folder, write_file
from snellen._errors import UsageError
from snellen.findings.findings import Findings
from snellen.report.arrays import stored_arrays
from snellen.report.framed import framed
from snellen.report.to_html import to_html
from snellen.report.to_json import SCHEMA, dumps

PAGE, DOCUMENT, COCO = "index.html", "findings.json", "detections.json"
_LEFT_BY_FILE_MANAGERS = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})


def save(findings: Findings, folder: Path, *, coco: str | None = None) -> Path:
    """Write the report and return the path of its page; ``coco`` is what a detector found, as COCO's results.

    Everything is written beside the folder first and then renamed into its place; an earlier report that
    stands there is replaced, and on any failure it is left as it was.

    Raises:
        UsageError: the folder holds anything but an earlier report.
    """
    check_destination(folder)
    arrays = stored_arrays(findings)
    page, document = to_html(findings), dumps(findings, files=arrays)
    with new_folder(folder) as aside:
        write_file(aside / PAGE, page)
        write_file(aside / DOCUMENT, document)
        if coco is not None:
            write_file(aside / COCO, coco)
        for stored in arrays.values():
            path = aside / stored.file
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix == ".png":
                Image.fromarray(framed(stored.array, stored.boxes)).save(path)
            else:
                np.save(path, stored.array, allow_pickle=False)
    return folder / PAGE


def save_beside(findings: Findings, folder: Path) -> Path:
    """Write the page and its JSON into a folder that holds other things too, and return the path of the page.

    Each file is whole or as it was. Pictures are on the page alone: files of them would need a folder of their own.
    """
    write_file(folder / DOCUMENT, dumps(findings))
    return write_file(folder / PAGE, to_html(findings))


def check_destination(folder: Path) -> None:
    """Raise unless a report may be put at this path: nothing there, an empty folder, or an earlier report.

    Worth asking before an examination that takes an hour.

    Raises:
        UsageError: says what stands in the way.
    """
    target = Path(os.path.realpath(folder))
    parent = next(above for above in target.parents if above.exists())
    if not parent.is_dir():
        raise UsageError(f"{folder} cannot be made: {parent} is a file; give a path in a folder.")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise UsageError(f"{folder} cannot be written: nothing may be put into {parent}; give another path (--out).")
    if not target.exists():
        return
    if not target.is_dir():
        raise UsageError(f"a report is a folder, and {folder} is a file; give another path.")
    if Path.cwd().resolve().is_relative_to(target):
        raise UsageError(f"{folder} is or holds the current folder and cannot be replaced; give a folder inside it.")
    foreign = sorted(_files(target) - _ours(target))
    if foreign:
        names = ", ".join(foreign[:3]) + (f" and {len(foreign) - 3} more" if len(foreign) > 3 else "")
        raise UsageError(
            f"{folder} holds what no earlier report of ours put there ({names}), and saving would delete it; "
            "give a new or an empty folder."
        )


def _files(folder: Path) -> set[str]:
    """Everything in the folder but folders that hold something; a link counts as a file."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if (path.is_symlink() or not path.is_dir() or not any(path.iterdir()))
        and path.name not in _LEFT_BY_FILE_MANAGERS
    }


def _ours(folder: Path) -> set[str]:
    """The files that the report in the folder says it is made of; none if there is no report in it."""
    path = folder / DOCUMENT
    if path.is_symlink() or not path.is_file():
        return set()
    try:
        document = json.loads(path.read_bytes())
    except ValueError:
        return set()
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        return set()
    found = {COCO} if document["run"].get("preset") == "detect" else set()
    return {PAGE, DOCUMENT, *found, *_array_files(document)}


def _array_files(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        if isinstance(document.get("array"), str):
            yield document["array"]
        for inner in document.values():
            yield from _array_files(inner)
    elif isinstance(document, list):
        for inner in document:
            yield from _array_files(inner)
