"""The arrays of an ``.npz``: what each declares, read one by one, bounded, and never a pickle."""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.lib import format as npy
from numpy.typing import NDArray

from snellen._errors import ImagesError
from snellen.subject.load.npy import Header, read_header

MAX_BYTES = 8 * 2**30


@dataclass(frozen=True, eq=False)
class Members:
    """An open ``.npz``.

    Attributes:
        path: of the file.
        archive: the zip that it is.
        infos: what the zip says of each array, by the array's name.
        max_bytes: the most that an array may declare.
    """

    path: Path
    archive: zipfile.ZipFile
    infos: dict[str, zipfile.ZipInfo]
    max_bytes: int

    def header(self, name: str) -> Header:
        """Shape and type of an array, without reading its data.

        Raises:
            ImagesError: no plain array: pickled objects are refused.
        """
        with self.archive.open(self.infos[name]) as file:
            return read_header(file, self.label(name))

    def read(self, name: str) -> NDArray[Any]:
        """An array, once its size is known to be what it declares and not too much.

        Raises:
            ImagesError: pickled, too large, or damaged.
        """
        info, label, header = self.infos[name], self.label(name), self.header(name)
        if header.nbytes > self.max_bytes:
            raise ImagesError(
                f"{label} declares {header.shape} {header.dtype}, {header.nbytes:,} bytes; at most "
                f"{self.max_bytes:,} are loaded into memory. Save it as .npy, which is mapped from the disk, or "
                "as a folder."
            )
        if header.offset + header.nbytes != info.file_size:
            raise ImagesError(
                f"{label} declares {header.shape} {header.dtype}, {header.nbytes:,} bytes, "
                f"but holds {info.file_size - header.offset:,}: the file is damaged"
            )
        with self.archive.open(info) as file:
            try:
                array: NDArray[Any] = npy.read_array(file, allow_pickle=False)
            except (ValueError, zipfile.BadZipFile, zlib.error) as error:
                raise ImagesError(f"{label} cannot be read: {error}") from error
        return array

    def label(self, name: str) -> str:
        """What messages call an array."""
        return f"{name} in {self.path.name}"


@contextmanager
def open_members(path: Path, *, max_bytes: int = MAX_BYTES) -> Iterator[Members]:
    """The arrays of an ``.npz``, for as long as the block lasts.

    Args:
        path: the file.
        max_bytes: the most that an array may declare; checked before anything is allocated.

    Raises:
        ImagesError: no ``.npz``, or a damaged one, also where the damage shows only inside the block.

    >>> with open_members(Path("data.npz")) as members:  # doctest: +SKIP
    ...     members.header("images").shape
    (16000, 32, 32, 3)
    """
    try:
        with zipfile.ZipFile(path) as archive:
            infos = {i.filename.removesuffix(".npy"): i for i in archive.infolist() if i.filename.endswith(".npy")}
            yield Members(path, archive, infos, max_bytes)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError) as error:
        raise ImagesError(f"{path} should be an .npz file, got one that cannot be read: {error}") from error
