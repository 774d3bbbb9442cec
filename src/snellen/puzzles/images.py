"""The images of an archive as uint8, however they were stored, and whether a grid divides them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from snellen._errors import ImagesError
from snellen.puzzles.grid import Grid
from snellen.subject.load.arrays import TOLERANCE, layout_of

BLOCK = 256


def stored_images(array: NDArray[Any], label: str) -> tuple[NDArray[np.uint8], list[str]]:
    """Any array of images as (n, h, w, c) uint8, and what had to be done for it.

    uint8 is taken as it is; other integers in [0, 255] and floats that hold only whole numbers in [0, 255] become
    uint8; floats in [0, 1] are multiplied by 255 and rounded.

    Args:
        array: (n, h, w, c), (n, c, h, w) or (n, h, w).
        label: what messages call it.

    Raises:
        ImagesError: no images, NaN, or another range.

    >>> images, notes = stored_images(np.full((2, 8, 8), 0.5), "x")
    >>> images.shape, int(images.max()), notes
    ((2, 8, 8, 1), 128, ['x holds floats in [0, 1]; they were multiplied by 255 and rounded'])
    """
    layout = layout_of(array.shape)
    notes: list[str] = []
    values = array
    if array.dtype != np.uint8:
        values, notes = _as_uint8(array, label)
    if layout == "nchw":
        values = np.ascontiguousarray(values.transpose(0, 2, 3, 1))
        notes.append(f"{label} has its channels first, {array.shape}")
    return (values[..., None] if layout == "nhw" else values), notes


def check_grid(shape: tuple[int, ...], grid: Grid) -> None:
    """Raise where the grid does not divide images of shape (n, h, w, c), and say what would.

    Raises:
        ImagesError: names the nearest crop and grids that do.
    """
    height, width = shape[1:3]
    if height % grid.rows == 0 and width % grid.columns == 0:
        return
    crop = (height - height % grid.rows, width - width % grid.columns)
    crops = f"Crop them to {crop[0]} x {crop[1]}" if min(crop) > 0 else "Give larger images"
    fitting = [Grid(r, c) for r in _near(height, grid.rows) for c in _near(width, grid.columns) if r * c > 1]
    fitting.sort(key=lambda g: (abs(g.rows - grid.rows) + abs(g.columns - grid.columns), g.pieces))
    choice = f", or choose a grid that divides them, such as {' or '.join(map(str, fitting[:2]))}" if fitting else ""
    raise ImagesError(
        f"a {grid} grid cuts images whose height is a multiple of {grid.rows} and whose width is one of "
        f"{grid.columns}, got {height} x {width} pixels (height x width). {crops}{choice}."
    )


def _near(side: int, parts: int) -> list[int]:
    """The divisors of a side nearest to a number of parts."""
    divisors = [d for d in range(1, min(side, 32) + 1) if side % d == 0]
    return sorted(divisors, key=lambda d: abs(d - parts))[:3]


def _as_uint8(array: NDArray[Any], label: str) -> tuple[NDArray[np.uint8], list[str]]:
    if array.dtype.kind not in "fiu":
        raise ImagesError(f"{label} must hold images as uint8 or floats, got {array.dtype}")
    low, high, whole = _range(array)
    if low < -TOLERANCE or high > 255 or (high > 1 + TOLERANCE and not whole):
        holds = "whole numbers" if whole else "numbers that are not whole"
        raise ImagesError(
            f"{label} must hold images as uint8, as floats in [0, 1], or as whole numbers from 0 to 255; got "
            f"{array.dtype} from {low:g} to {high:g}, {holds}. Undo any normalisation, then save "
            "(array).round().astype('uint8')."
        )
    scale = 255 if high <= 1 + TOLERANCE and array.dtype.kind == "f" else 1
    values = np.empty(array.shape, np.uint8)
    for start in range(0, len(array), BLOCK):
        rows = slice(start, start + BLOCK)
        values[rows] = (array[rows] * scale).round().clip(0, 255)
    if scale == 255:
        return values, [f"{label} holds floats in [0, 1]; they were multiplied by 255 and rounded"]
    return values, [f"{label} holds {array.dtype} of whole numbers from {low:g} to {high:g}; they were taken as uint8"]


def _range(array: NDArray[Any]) -> tuple[float, float, bool]:
    """Smallest, largest, and whether all are whole, block by block."""
    low, high, whole = np.inf, -np.inf, True
    for start in range(0, len(array), BLOCK):
        block = array[start : start + BLOCK]
        if not np.isfinite(block).all():
            bad = start + int(np.flatnonzero(~np.isfinite(block).reshape(len(block), -1).all(axis=1))[0])
            raise ImagesError(f"image {bad} holds NaN or infinite values; expected numbers. Remove or repair it.")
        low, high = min(low, float(block.min())), max(high, float(block.max()))
        whole = whole and bool((block == np.round(block)).all())
    return low, high, whole
