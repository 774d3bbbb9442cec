"""Points as a command line names them: ``3,1;4,2``, or a file of numbers, one point a line."""

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snellen._errors import InputError

NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
LITERAL = re.compile(rf"\s*{NUMBER}\s*(?:[,;]\s*{NUMBER}\s*)*;?\s*")
FORMS = "expected points such as '3,1;4,2', or a .npy, .npz, .csv, .tsv or .txt file with one point a line"
Array = NDArray[np.float64]


def load_points(spec: str) -> Array:
    """(n, d) points that a specification names; what has more axes, such as images, is flattened to one row each.

    Args:
        spec: numbers with ``,`` between the coordinates of a point and ``;`` between points; or a file: ``.npy`` or
            ``.npz`` (one array, (n,) or (n, ...)), or text (``.csv``, ``.tsv``, ``.txt``; commas, semicolons, tabs or
            spaces between the columns, a first line of names is passed over, ``#`` begins a comment).

    Raises:
        InputError: no such file; a line that is no point, by its number; points of several lengths; an array that holds
            no numbers, or objects.

    >>> load_points("3,1; 4,-2").tolist()
    [[3.0, 1.0], [4.0, -2.0]]
    """
    if LITERAL.fullmatch(spec):
        rows = [part for part in spec.split(";") if part.strip()]
        return _table([[float(x) for x in row.split(",")] for row in rows], spec, "point")
    path = Path(spec).expanduser()
    if not path.is_file():
        raise InputError(f"no file at {path}, and {spec!r} is no list of numbers: {FORMS}")
    if path.suffix in (".npy", ".npz"):
        return _array(path)
    if path.suffix in (".csv", ".tsv", ".txt"):
        return _text(path)
    raise InputError(f"{path} is of a kind that is not read: {FORMS}")


def _array(path: Path) -> Array:
    try:
        found: Any = np.load(path, allow_pickle=False)
        if path.suffix == ".npz":
            names = list(found)
            if len(names) != 1:
                raise InputError(f"{path} should hold one array, and it holds {', '.join(names) or 'none'}")
            found = found[names[0]]
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path} should hold an array of numbers, got one that cannot be read: {error}") from error
    if found.dtype.kind not in "biuf" or not found.ndim:
        raise InputError(f"{path} should hold points, got an array of {found.dtype} with the shape {found.shape}")
    if not found.size:
        raise InputError(f"{path} holds no points, got the shape {found.shape}")
    return np.asarray(found.reshape(len(found), -1), dtype=np.float64)


def _text(path: Path) -> Array:
    rows: list[list[float]] = []
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} should be text, one point a line, got one that cannot be read: {error}") from error
    began = False
    for number, line in enumerate(lines, 1):
        cells = [cell for cell in re.split(r"[,;\t ]+", line.partition("#")[0].strip()) if cell]
        if not cells:
            continue
        try:
            rows.append([float(cell) for cell in cells])
        except ValueError as error:
            if began or any(re.fullmatch(NUMBER, cell) for cell in cells):
                raise InputError(
                    f"{path}, line {number}: expected the coordinates of a point, got {line[:60]!r}"
                ) from error
        began = True
    return _table(rows, str(path), "line with numbers")


def _table(rows: list[list[float]], name: str, unit: str) -> Array:
    if not rows:
        raise InputError(f"{name} holds no points: {FORMS}")
    odd = next((i for i, row in enumerate(rows) if len(row) != len(rows[0])), None)
    if odd is not None:
        raise InputError(
            f"{name}: every point must have as many coordinates; the first has {len(rows[0])}, and {unit} {odd + 1} "
            f"has {len(rows[odd])}"
        )
    return np.array(rows, dtype=np.float64)
