"""Elastic: the image on a cloth that is pulled."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import affine_transform, gaussian_filter, map_coordinates

from snellen._shapes import Pixels
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.corruptions._base import Corruption, Setting

WIDE = 244 / 224
"""ImageNet-C takes its parts from 244 pixels, of images that have 224."""


@dataclass(frozen=True)
class Elastic(Corruption):
    """Three points are pulled apart and all else follows; then every pixel moves by a smooth random field.

    The field is uniform in [-1, 1], blurred, and multiplied; both moves are an image's own, and bilinear.

    Settings: how far the field moves, the standard deviation of its blur, and how far the points are pulled, as parts
    of the shorter side; on images of up to 64 pixels those of CIFAR-10-C, on larger ones ImageNet-C's (see
    :class:`Corruption`). The table goes from large smooth moves to small rough ones.

    Args:
        severity: 1 to 5.

    Reference: Hendrycks and Dietterich 2019, arXiv 1903.12261; Simard, Steinkraus and Platt 2003, Best practices for
    convolutional neural networks applied to visual document analysis, ICDAR.

    >>> grey = torch.full((1, 3, 32, 32), 100 / 255)
    >>> bool((Elastic(5)(grey) == grey).all())
    True
    """

    small: ClassVar[tuple[Setting, ...]] = (
        (0, 0, 0.08),
        (0.05, 0.2, 0.07),
        (0.08, 0.06, 0.06),
        (0.1, 0.04, 0.05),
        (0.1, 0.03, 0.03),
    )
    large: ClassVar[tuple[Setting, ...]] = (
        (WIDE * 2, WIDE * 0.7, WIDE * 0.1),
        (WIDE * 2, WIDE * 0.08, WIDE * 0.2),
        (WIDE * 0.05, WIDE * 0.01, WIDE * 0.02),
        (WIDE * 0.07, WIDE * 0.01, WIDE * 0.02),
        (WIDE * 0.12, WIDE * 0.01, WIDE * 0.02),
    )

    def corrupt(self, pixels: Pixels, setting: Setting, draws: Draws) -> Pixels:
        count, _, height, width = pixels.shape
        reach, blur, pull = (min(height, width) * part for part in setting)
        pulls = pull * (2 * draws.uniform((count, 3, 2)).double().numpy() - 1)
        fields = 2 * draws.uniform((count, 2, height, width)).double().numpy() - 1
        made = [
            _pulled(image, *_map(pulled, height, width), reach * gaussian_filter(field, (0, blur, blur), truncate=3))
            for image, pulled, field in zip(pixels.numpy(), pulls, fields, strict=True)
        ]
        return torch.from_numpy(np.stack(made))


Array = NDArray[np.float64]


def _map(pulls: Array, height: int, width: int) -> tuple[Array, Array]:
    """The matrix and the offset that take a point of the result to where it came from, as (row, column)."""
    middle, side = np.array([height // 2, width // 2]), max(min(height, width) // 3, 1)
    corners = middle + side * np.array([[1, 1], [-1, 1], [-1, -1]])
    moved = np.column_stack([corners + pulls, np.ones(3)])
    back = np.linalg.solve(moved, corners).T
    return back[:, :2], back[:, 2]


def _pulled(image: NDArray[np.float32], matrix: Array, offset: Array, field: Array) -> NDArray[np.float32]:
    places = np.indices(image.shape[1:]) + field
    return np.stack(
        [
            map_coordinates(
                affine_transform(part, matrix, offset, order=1, mode="mirror"), places, order=1, mode="reflect"
            )
            for part in image
        ]
    )
