"""Images in a ``.npy``, mapped from the disk; and what such a file declares before its data."""

from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from snellen._errors import ImagesError
from snellen.subject.images import Images
from snellen.subject.load.arrays import array_images


@dataclass(frozen=True)
class Header:
    """What a ``.npy`` declares before its data."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    offset: int

    @property
    def nbytes(self) -> int:
        return prod(self.shape) * self.dtype.itemsize


def npy_images(path: Path) -> Images:
    """The images in a ``.npy``, mapped: however large the file, only what is looked at is read.

    Raises:
        ImagesError: a damaged or pickled file, one shorter than it declares, an array that is no images.
    """
    try:
        with path.open("rb") as file:
            header = read_header(file, path.name)
        if header.offset + header.nbytes > path.stat().st_size:
            raise ImagesError(
                f"{path} declares {header.shape} {header.dtype}, {header.nbytes:,} bytes, "
                f"but holds {path.stat().st_size - header.offset:,}: it is damaged or cut short"
            )
        if header.nbytes == 0:
            raise ImagesError(f"{path} should hold images, got an empty array of shape {header.shape}")
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ImagesError(f"{path} should be a .npy file, got one that cannot be read: {error}") from error
    return array_images(array, name=path.name)


def read_header(file: IO[bytes], label: str) -> Header:
    """The header of a ``.npy``, refused where it declares pickled objects or anything but a plain array."""
    try:
        version = npy.read_magic(file)
        if version not in ((1, 0), (2, 0)):
            raise ImagesError(f"{label} must be a plain array (.npy format 1 or 2), got format {version}")
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read(file)
    except ValueError as error:
        raise ImagesError(f"{label} is no NumPy array: {error}") from error
    if dtype.hasobject:
        raise ImagesError(
            f"{label} holds pickled objects, which could run code when read and are refused. "
            "Save it as a plain array: np.stack(images).astype('uint8')."
        )
    if dtype.itemsize == 0 or any(side < 0 for side in shape):
        raise ImagesError(f"{label} declares {shape} of {dtype}, which holds nothing")
    return Header(shape, dtype, file.tell())
