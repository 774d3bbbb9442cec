"""One decoded picture, fitted to what a network takes."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from snellen._errors import ImagesError
from snellen.subject.preprocessing import Preprocessing
from snellen.subject.source import Picture

MAX_SCALED = 89_478_485
"""Pixels that scaling may produce: a 1 x 20,000 picture with its short side at 256 would be 1.3 billion."""
GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""ITU-R 601-2 luma, as Pillow's ``convert("L")``."""


def fitted(picture: Picture, preprocessing: Preprocessing) -> NDArray[np.uint8] | NDArray[np.float32]:
    """The picture as (h, w, c), in the network's channels (never BGR: the Network flips), scaled and cropped.

    Raises:
        ImagesError: a picture so elongated that scaling its short side would fill the memory.
    """
    grey = preprocessing.channels == "L"
    if isinstance(picture, Image.Image):
        converted = picture.convert("L" if grey else "RGB")
        _check_scale(converted.size, preprocessing)
        array = np.asarray(preprocessing.fit(converted), dtype=np.uint8)
        return array[:, :, None] if array.ndim == 2 else array
    _check_scale((picture.shape[1], picture.shape[0]), preprocessing)
    values = (picture * GREY).sum(axis=2, keepdims=True) if grey and picture.shape[2] == 3 else picture
    planes = [preprocessing.fit(Image.fromarray(np.ascontiguousarray(p))) for p in np.moveaxis(values, 2, 0)]
    # bicubic and lanczos overshoot, and without 8 bits nothing else would stop them at 0 and 1
    scaled = np.clip(np.stack([np.asarray(p, dtype=np.float32) for p in planes], axis=2), 0, 1)
    return scaled if grey or scaled.shape[2] == 3 else np.repeat(scaled, 3, axis=2)


def _check_scale(size: tuple[int, int], preprocessing: Preprocessing) -> None:
    short, long = min(size), max(size)
    if preprocessing.resize is not None and preprocessing.resize**2 * (long / short) > MAX_SCALED:
        raise ImagesError(
            f"too elongated: {size[0]} x {size[1]} pixels (width x height) "
            f"with the short side at {preprocessing.resize}"
        )
