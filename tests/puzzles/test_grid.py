"""Rows and columns: what reads as a grid, which positions touch, and every arrangement."""

from itertools import permutations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from puzzles.scenes import random_scores, slow_total
from snellen._errors import UsageError
from snellen.puzzles.grid import Grid


@given(rows=st.integers(1, 9), columns=st.integers(1, 9))
def test_touching_positions_by_their_distance(rows: int, columns: int) -> None:
    if rows * columns < 2:
        return
    grid = Grid(rows, columns)
    places = [(r, c) for r in range(rows) for c in range(columns)]
    beside = {(i, j) for i, (r, c) in enumerate(places) for j, (s, d) in enumerate(places) if (s, d) == (r, c + 1)}
    above = {(i, j) for i, (r, c) in enumerate(places) for j, (s, d) in enumerate(places) if (s, d) == (r + 1, c)}
    assert set(grid.beside) == beside
    assert set(grid.above) == above
    assert Grid.parse(str(grid)) == grid


@pytest.mark.parametrize(
    ("text", "grid"), [("2x2", (2, 2)), ("3", (3, 3)), (" 3 X 4 ", (3, 4)), ("2×5", (2, 5)), ("1x7", (1, 7))]
)
def test_what_reads_as_a_grid(text: str, grid: tuple[int, int]) -> None:
    assert Grid.parse(text) == Grid(*grid)


@pytest.mark.parametrize(
    "text", ["", "x", "2x", "1", "1x1", "0x4", "-2x2", "2x2x2", "two", "2.5x2", "13x12", "999x999"]
)
def test_what_does_not(text: str) -> None:
    with pytest.raises(UsageError, match="2x2"):
        Grid.parse(text)


def test_every_arrangement_once() -> None:
    found = Grid(2, 2).arrangements.tolist()
    assert sorted(map(tuple, found)) == sorted(permutations(range(4)))
    assert found[0] == [0, 1, 2, 3]
    assert Grid(2, 3).countable
    assert not Grid(3, 3).countable
    with pytest.raises(UsageError, match="9! arrangements"):
        _ = Grid(3, 3).arrangements


@pytest.mark.parametrize("grid", [Grid(2, 2), Grid(1, 4), Grid(4, 1), Grid(2, 3)], ids=str)
def test_the_design_adds_up_what_loops_add_up(grid: Grid) -> None:
    scores = random_scores(2, grid.pieces)
    totals = torch.cat(scores, dim=1).flatten(1) @ grid.design
    for image in range(2):
        slow = [slow_total(scores, grid, image, order) for order in grid.arrangements.tolist()]
        assert totals[image].tolist() == pytest.approx(slow, abs=1e-5)
