"""Cutting images into pieces, and putting pieces where they belong."""

from typing import TypeVar

import numpy as np
from jaxtyping import Int
from numpy.typing import NDArray
from torch import Tensor

from snellen._errors import ImagesError, UsageError
from snellen.puzzles.grid import Grid

T = TypeVar("T", Tensor, NDArray[np.generic])


def cut(pixels: Tensor, grid: Grid, *, gap: int = 0) -> Tensor:
    """(n, c, h, w) -> (n, m, c, h', w') pieces in the order of their positions.

    Args:
        pixels: images whose sides the grid divides.
        grid: rows and columns.
        gap: pixels missing between neighbours; half of it is cut from every side of every piece.

    Raises:
        ImagesError: a side that the grid does not divide.
        UsageError: a gap that is odd, negative, or leaves less than 2 pixels.

    >>> import torch
    >>> cut(torch.rand(5, 3, 32, 32), Grid(2, 2), gap=4).shape
    torch.Size([5, 4, 3, 12, 12])
    """
    n, c, h, w = pixels.shape
    if h % grid.rows or w % grid.columns:
        raise ImagesError(
            f"a {grid} grid cuts images whose height is a multiple of {grid.rows} and whose width is one of "
            f"{grid.columns}, got {h} x {w} pixels (height x width). Crop or resize them first."
        )
    height, width = h // grid.rows, w // grid.columns
    trim = gap // 2
    if gap < 0 or gap % 2 or min(height, width) - gap < 2:
        raise UsageError(
            f"gap must be even, at least 0, and leave at least 2 pixels of pieces of {height} x {width}; got {gap}"
        )
    pieces = pixels.view(n, c, grid.rows, height, grid.columns, width).permute(0, 2, 4, 1, 3, 5)
    return pieces.reshape(n, grid.pieces, c, height, width)[..., trim : height - trim, trim : width - trim]


def join(pieces: Tensor, grid: Grid) -> Tensor:
    """(n, m, c, h, w) pieces in the order of their positions -> (n, c, rows * h, columns * w).

    >>> import torch
    >>> pixels = torch.rand(5, 3, 32, 32)
    >>> torch.equal(join(cut(pixels, Grid(2, 4)), Grid(2, 4)), pixels)
    True
    """
    n, _, c, h, w = pieces.shape
    laid = pieces.reshape(n, grid.rows, grid.columns, c, h, w).permute(0, 3, 1, 4, 2, 5)
    return laid.reshape(n, c, grid.rows * h, grid.columns * w)


def shuffled(pieces: Tensor, permutations: Int[Tensor, "n m"]) -> Tensor:
    """Pieces in place -> pieces mixed so that ``permutations`` says where each belongs.

    The piece at position ``permutations[i]`` goes to position ``i``: the inverse of :func:`placed`.
    """
    index = permutations.view(*permutations.shape, *[1] * (pieces.ndim - 2)).expand_as(pieces)
    return pieces.gather(1, index)


def placed(pieces: Tensor, permutations: Int[Tensor, "n m"]) -> Tensor:
    """Mixed pieces -> pieces in place: the piece now at position i goes to position ``permutations[i]``.

    >>> import torch
    >>> mixed = torch.tensor([[10, 20, 30, 40]])
    >>> placed(mixed, torch.tensor([[1, 0, 2, 3]])).tolist()
    [[20, 10, 30, 40]]
    """
    return shuffled(pieces, inverse(permutations))


def inverse(permutations: Int[Tensor, "n m"]) -> Int[Tensor, "n m"]:
    """``inverse(p)[p[i]] == i``: where each piece belongs <-> which piece belongs at each position."""
    return permutations.argsort(dim=1)
