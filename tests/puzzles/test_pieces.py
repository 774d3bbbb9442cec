"""Cutting, joining, shuffling and placing: inverse to each other, and what the convention says."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from puzzles.scenes import orders, scenes, shuffle
from snellen._errors import ImagesError, UsageError
from snellen.puzzles.grid import Grid
from snellen.puzzles.pieces import cut, inverse, join, placed, shuffled

sides = st.integers(1, 4)


@given(rows=sides, columns=sides, height=st.integers(2, 5), width=st.integers(2, 5), seed=st.integers(0, 9))
def test_round_trips(rows: int, columns: int, height: int, width: int, seed: int) -> None:
    if rows * columns < 2:
        return
    grid = Grid(rows, columns)
    images = scenes(3, rows * height, columns * width, seed=seed)
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2)
    pieces = cut(pixels, grid)
    assert torch.equal(join(pieces, grid), pixels)
    permutations = orders(3, grid, seed=seed)
    mixed = shuffled(pieces, torch.from_numpy(permutations))
    assert np.array_equal(join(mixed, grid).permute(0, 2, 3, 1).numpy(), shuffle(images, permutations, grid))
    assert torch.equal(placed(mixed, torch.from_numpy(permutations)), pieces)
    both = inverse(torch.from_numpy(permutations)).gather(1, torch.from_numpy(permutations))
    assert torch.equal(both, torch.arange(grid.pieces).expand_as(both))


def test_the_convention() -> None:
    """The piece now at position i goes to position permutation[i]."""
    mixed = torch.tensor([[10, 20, 30, 40]])
    assert placed(mixed, torch.tensor([[2, 0, 3, 1]])).tolist() == [[20, 40, 10, 30]]


def test_a_gap_is_cut_from_every_side() -> None:
    pixels = torch.arange(64.0).view(1, 1, 8, 8)
    pieces = cut(pixels, Grid(2, 2), gap=2)
    assert pieces.shape == (1, 4, 1, 2, 2)
    assert torch.equal(pieces[0, 3, 0], pixels[0, 0, 5:7, 5:7])


@pytest.mark.parametrize("gap", [-2, 1, 3, 4, 6])
def test_gaps_that_cannot_be(gap: int) -> None:
    with pytest.raises(UsageError, match="gap must be even"):
        cut(torch.rand(1, 3, 8, 8), Grid(2, 2), gap=gap)


def test_sides_that_the_grid_does_not_divide() -> None:
    with pytest.raises(ImagesError, match="got 9 x 8 pixels"):
        cut(torch.rand(1, 3, 9, 8), Grid(2, 2))
