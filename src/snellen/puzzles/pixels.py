"""Stored images as pixels that pieces are cut from, so many at a time that the memory holds them."""

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

MOST_VALUES = 2**25
"""Numbers in memory at once: 128 MB as floats."""


def blocks(count: int, shape: tuple[int, ...], *, most: int) -> Iterator[slice]:
    """Slices of ``count`` images of shape (h, w, c), at most ``most`` and at most 128 MB each, and at least one.

    >>> [(b.start, b.stop) for b in blocks(5, (32, 32, 3), most=2)]
    [(0, 2), (2, 4), (4, 5)]
    >>> [(b.start, b.stop) for b in blocks(2, (9000, 9000, 3), most=256)]
    [(0, 1), (1, 2)]
    """
    size = max(1, min(most, MOST_VALUES // (3 * shape[0] * shape[1])))
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def as_pixels(images: NDArray[np.uint8]) -> Float[Tensor, "n 3 h w"]:
    """(n, h, w, c) uint8 -> (n, 3, h, w) in [0, 1]: grey thrice, transparency left out.

    >>> as_pixels(np.full((2, 8, 8, 1), 255, np.uint8)).shape
    torch.Size([2, 3, 8, 8])
    """
    colours = images[..., :3]
    pixels = torch.from_numpy(np.ascontiguousarray(colours.transpose(0, 3, 1, 2))).float().div_(255)
    return pixels.repeat(1, 3, 1, 1) if pixels.shape[1] == 1 else pixels
