"""``metrics.jsonl``: one line an epoch, on the disk as soon as it is known."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from snellen._atomic import write_file
from snellen.training.watch import Row


def write_metrics(path: Path, rows: Sequence[Row]) -> None:
    """Bring the file to these rows: one line is added to it if that is all that is missing.

    A run that was killed may have written lines that it has to compute again; then the file is written anew, whole or
    not at all, so that no epoch stands in it twice.

    Args:
        path: of the file.
        rows: all of them, in their order.

    >>> write_metrics(Path("metrics.jsonl"), [{"epoch": 1, "val_loss": 0.5}])  # doctest: +SKIP
    """
    lines = [json.dumps(dict(row), allow_nan=False) + "\n" for row in rows]
    before = "".join(lines[:-1])
    if lines and path.is_file() and path.read_text(encoding="utf-8") == before:
        with path.open("a", encoding="utf-8") as file:
            file.write(lines[-1])
            file.flush()
            os.fsync(file.fileno())
    elif not path.is_file() or path.read_text(encoding="utf-8") != "".join(lines):
        write_file(path, "".join(lines))


def read_metrics(path: Path) -> list[Row]:
    """The rows of such a file; a last line that is cut off is left out."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]
