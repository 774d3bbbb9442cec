"""Frosted glass: every pixel shows a neighbour."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from snellen._shapes import Pixels
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.corruptions._base import Corruption, Setting


@dataclass(frozen=True)
class GlassBlur(Corruption):
    """Blurred by a bell, then pixel after pixel takes the value of a neighbour, then blurred again.

    From the last row and column on, the pixel at ``(y, x)`` becomes that at ``(y + a, x + b)`` with a and b drawn from
    ``-reach`` to ``reach - 1``, as it is by then; this is done once or more over the image. The published code means to
    swap the two, and on an array of colours it copies: so do its files, and this. Values are drawn afresh for every
    pixel of an image.

    Settings: standard deviation of the bell in pixels, reach in pixels, and how often; on images of up to 64 pixels
    those of CIFAR-10-C, on larger ones ImageNet-C's (see :class:`Corruption`).

    Args:
        severity: 1 to 5.

    Reference: Hendrycks and Dietterich 2019, arXiv 1903.12261.

    >>> grey = torch.full((1, 3, 32, 32), 100 / 255)
    >>> bool((GlassBlur(5)(grey) == grey).all())
    True
    """

    small: ClassVar[tuple[Setting, ...]] = ((0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2))
    large: ClassVar[tuple[Setting, ...]] = ((0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2))

    def corrupt(self, pixels: Pixels, setting: Setting, draws: Draws) -> Pixels:
        sigma, reach, times = setting[0], int(setting[1]), int(setting[2])
        count, channels, height, width = pixels.shape
        rows, columns = (max(side - 2 * reach, 0) for side in (height, width))
        shifts = (draws.integers(2 * reach, (count, times, rows, columns, 2)) - reach).numpy()
        blurred = _blurred(pixels.numpy(), sigma).reshape(count, channels, -1)
        for image, shift in zip(blurred, shifts, strict=True):
            image[:] = image[:, _sources(shift, reach, height, width)]
        return torch.from_numpy(_blurred(blurred.reshape(pixels.shape), sigma))


def _blurred(pixels: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    made: NDArray[np.float32] = gaussian_filter(pixels, (0, 0, sigma, sigma), mode="nearest")
    return made


def _sources(shifts: NDArray[np.int64], reach: int, height: int, width: int) -> list[int]:
    """Where each pixel of an image is from, row by row; ``shifts`` are (times, rows, columns, 2) of the inner ones."""
    order = list(range(height * width))
    places = np.arange(height * width).reshape(height, width)[
        reach + 1 : height - reach + 1, reach + 1 : width - reach + 1
    ]
    for once in shifts:
        others = places + once[..., 0] * width + once[..., 1]
        for place, other in zip(places.ravel()[::-1].tolist(), others.ravel()[::-1].tolist(), strict=True):
            order[place] = order[other]
    return order
