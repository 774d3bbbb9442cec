"""Files and folders that are there whole or not at all: written aside, flushed to the disk, then renamed."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_file(path: str | Path, text: str) -> Path:
    """Write text as UTF-8, so that a reader finds the old file or the new one and never a part.

    A path that is no regular file (``/dev/stdout``, a pipe) is written straight. What UTF-8 cannot say (a
    file name of broken bytes) is written as a backslash escape.
    """
    return write_bytes(path, text.encode("utf-8", errors="backslashreplace"))


def write_bytes(path: str | Path, data: bytes) -> Path:
    """Write bytes, so that a reader finds the old file or the new one and never a part."""
    path = Path(path)
    target = Path(os.path.realpath(path))
    if path.exists() and not target.is_file():
        path.write_bytes(data)
        return path
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = _aside(target, "partial")
    try:
        aside.write_bytes(data)
        if target.exists():
            shutil.copymode(target, aside)
        _sync(aside)
        aside.replace(target)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    _sync(target.parent)
    return path


@contextmanager
def new_folder(folder: str | Path) -> Iterator[Path]:
    """A folder to write into, which takes the place of ``folder`` when the block ends without an exception.

    Whatever stood there before is replaced as a whole; it is the caller who knows that it may be. On any
    exception, an interrupt too, it is left as it was.
    """
    target = Path(os.path.realpath(folder))
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = _aside(target, "partial")
    aside.mkdir()
    try:
        yield aside
        for inner in [*aside.rglob("*"), aside]:
            _sync(inner)
        _swap(aside, target)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise


def _swap(aside: Path, target: Path) -> None:
    old = _aside(target, "old")
    try:
        if target.exists():
            target.rename(old)
        aside.rename(target)
    except BaseException:
        if old.exists() and not target.exists():
            old.rename(target)
        raise
    _sync(target.parent)
    shutil.rmtree(old, ignore_errors=True)


def told(error: OSError) -> str:
    """What went wrong with which file, by the name that the user gave and not by that of the file beside it.

    >>> told(FileNotFoundError(2, "No such file or directory", "out/.a.json.0f0f0f0f.partial"))
    'out/a.json: No such file or directory'
    """
    if not isinstance(error.filename, str) or not error.strerror:
        return str(error)
    path = Path(error.filename)
    if path.name.startswith(".") and path.suffix in {".partial", ".old"}:
        path = path.with_name(path.name[1:].rsplit(".", 2)[0])
    return f"{path}: {error.strerror}"


def _aside(target: Path, kind: str) -> Path:
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}.{kind}")


def _sync(path: Path) -> None:
    """Flush a file or a folder to the disk; Windows opens no folders and needs no flush of them."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except PermissionError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
