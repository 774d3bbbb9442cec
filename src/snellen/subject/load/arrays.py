"""Images that are already in memory: an array or a tensor, with labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image
from torch import Tensor

from snellen._errors import ImagesError
from snellen.subject.images import Images
from snellen.subject.load.labels import as_labels, as_numpy
from snellen.subject.source import Picture, Source

Layout = Literal["nhwc", "nchw", "nhw"]
TOLERANCE = 1e-6
"""How far outside [0, 1] a float may lie and count as rounding; it is clipped."""
BLOCK = 256


@dataclass(frozen=True, eq=False)
class ArraySource(Source):
    """The rows of an array, uint8 or float in [0, 1]."""

    array: NDArray[Any]
    layout: Layout
    name_prefix: str = "image"
    in_memory = True

    def __len__(self) -> int:
        return len(self.array)

    def name(self, index: int) -> str:
        return f"{self.name_prefix} {index}"

    def decode(self, index: int) -> Picture:
        row = np.asarray(self.array[index])
        if self.layout == "nchw":
            row = row.transpose(1, 2, 0)
        row = row[:, :, None] if self.layout == "nhw" else row[:, :, :3]  # a fourth channel is transparency
        if row.dtype == np.uint8:
            return Image.fromarray(np.ascontiguousarray(row[:, :, 0] if row.shape[2] == 1 else row))
        if not np.isfinite(row).all():
            raise ImagesError("holds NaN or infinite values")
        return np.clip(row.astype(np.float32), 0, 1)


def array_images(
    array: NDArray[Any] | Tensor,
    *,
    labels: ArrayLike | Tensor | None = None,
    class_names: Sequence[str] | None = None,
    name: str = "array",
) -> Images:
    """An array or tensor of images: (n, h, w, c), (n, c, h, w) or (n, h, w), with c = 1, 3 or 4.

    Where a shape fits both (n, h, w, c) and (n, c, h, w), a tensor is the latter, an array the former.

    Args:
        array: uint8, or floats in [0, 1].
        labels: one class index an image, -1 where unknown; (n, 1) will do.
        class_names: what the labels index.
        name: what the report calls the set.

    Raises:
        ImagesError: another shape or type, values outside [0, 1], labels that do not fit.

    >>> len(array_images(np.zeros((5, 8, 8, 3), np.uint8)))
    5
    """
    first: Layout = "nchw" if isinstance(array, Tensor) else "nhwc"
    values = as_numpy(array) if isinstance(array, Tensor) else array
    layout = layout_of(values.shape, first)
    if values.dtype == np.bool_:
        values = values.astype(np.uint8) * 255
    notes = _check_values(values)
    return Images(
        ArraySource(values, layout, "image" if name == "array" else f"{name} image"),
        labels=None if labels is None else as_labels(labels, len(values)),
        class_names=None if class_names is None else tuple(class_names),
        name=name,
        notes=notes,
    )


def layout_of(shape: tuple[int, ...], first: Layout = "nhwc") -> Layout:
    """Which axes a shape has; where it fits two layouts, ``first``.

    Raises:
        ImagesError: a shape that no images have.
    """
    if len(shape) == 4 and min(shape) > 0:
        fits: dict[Layout, bool] = {"nhwc": shape[3] in (1, 3, 4), "nchw": shape[1] in (1, 3, 4)}
        second: Layout = "nhwc" if first == "nchw" else "nchw"
        for layout in (first, second):
            if fits[layout]:
                return layout
    elif len(shape) == 3 and min(shape) > 0 and not (shape[2] in (1, 3, 4) and min(shape[:2]) > 4):
        return "nhw"
    single = " It looks like one image: give array[None]." if len(shape) == 3 else ""
    raise ImagesError(
        "images must be (n, h, w, c), (n, c, h, w) or (n, h, w) with c = 1, 3 or 4 and nothing empty, "
        f"got shape {shape}.{single}"
    )


def _check_values(values: NDArray[Any]) -> tuple[str, ...]:
    kind = values.dtype
    if kind == np.uint8:
        if values.max() <= 1:
            return ("no value exceeds 1 of 255, so every image is black to the eye; were they scaled to [0, 1]?",)
        return ()
    if kind.kind not in "fiu":
        raise ImagesError(f"images must be uint8, or floats in [0, 1], got {kind}")
    low, high = _range(values)
    if kind.kind in "iu":
        remedy = "give array.astype('uint8')" if low >= 0 and high <= 255 else f"divide by {_top(high)}"
        raise ImagesError(f"images must be uint8, or floats in [0, 1], got {kind} from {low} to {high}: {remedy}.")
    if low < -TOLERANCE or high > 1 + TOLERANCE:
        raise ImagesError(
            f"floats must lie in [0, 1], got {low:g} to {high:g}. {_float_remedy(low, high)} "
            "Snellen subtracts the mean and divides by std itself."
        )
    return ()


def _range(values: NDArray[Any]) -> tuple[float, float]:
    """Smallest and largest finite value, block by block so that a mapped file is never in memory whole."""
    low, high = np.inf, -np.inf
    for start in range(0, len(values), BLOCK):
        block = np.asarray(values[start : start + BLOCK])
        finite = block[np.isfinite(block)]
        if finite.size:
            low, high = min(low, finite.min().item()), max(high, finite.max().item())
    return low, high


def _float_remedy(low: float, high: float) -> str:
    if low >= 0:
        return f"Divide by {_top(high)}."
    if low >= -1 - TOLERANCE and high <= 1 + TOLERANCE:
        return "If they were scaled to [-1, 1], give (array + 1) / 2."
    return "If they are normalised already, undo it: array * std + mean."


def _top(high: float) -> int:
    """The white level that images with this largest value were probably stored with."""
    return next((top for top in (15, 16, 255, 1023, 4095, 65_535) if high <= top), int(np.ceil(high)))
