"""In which way a wrong arrangement is wrong."""

import math

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from snellen.puzzles.grid import Grid
from snellen.puzzles.pieces import inverse

RIGHT = "right"
ROWS, COLUMNS, BOTH = "rows exchanged", "columns exchanged", "rows and columns exchanged"
SHIFT = "shifted as a whole"
PAIR, THREE, FOUR, OTHER = "one pair exchanged", "three in a circle", "four in a circle", "other"
KINDS_2X2 = (RIGHT, ROWS, COLUMNS, BOTH, PAIR, THREE, FOUR)
KINDS = (RIGHT, SHIFT, ROWS, COLUMNS, PAIR, THREE, OTHER)


def kinds_of(found: Int[Tensor, "n m"], truth: Int[Tensor, "n m"], grid: Grid) -> list[str]:
    """The kind of every arrangement: what has to be done to the picture it makes to get the true one.

    For 2x2: right (1 of 24), rows, columns or both exchanged (1 each), one pair exchanged (6), three in a circle (8),
    four in a circle (6). For other grids: right; shifted as a whole, what leaves at one side coming back at the other;
    two whole rows or two whole columns exchanged; one pair; three in a circle; other.

    Args:
        found: permutations to judge.
        truth: the true ones.
        grid: rows and columns.

    >>> kinds_of(torch.tensor([[2, 3, 0, 1], [0, 1, 3, 2]]), torch.tensor([[0, 1, 2, 3]] * 2), Grid(2, 2))
    ['rows exchanged', 'one pair exchanged']
    """
    went = found.gather(1, inverse(truth))  # where the piece of each true position was put
    known = _regular(grid)
    kinds = []
    for row in went.tolist():
        kind = known.get(tuple(row))
        kinds.append(kind if kind is not None else _by_moved(row, four=(grid.rows, grid.columns) == (2, 2)))
    return kinds


def chances(grid: Grid) -> dict[str, float | None]:
    """How often each kind comes up by chance; None where it is not counted out (grids of more than 720 arrangements).

    >>> round(chances(Grid(2, 2))["one pair exchanged"] * 24)
    6
    """
    names = KINDS_2X2 if (grid.rows, grid.columns) == (2, 2) else KINDS
    if not grid.countable:
        return dict.fromkeys(names) | {RIGHT: 1 / math.factorial(grid.pieces)}
    every = grid.arrangements
    kinds = kinds_of(every, torch.arange(grid.pieces).expand_as(every), grid)
    return {name: kinds.count(name) / len(kinds) for name in names}


def _regular(grid: Grid) -> dict[tuple[int, ...], str]:
    """Right, and the whole shifts, by where the piece of each position goes."""
    board = np.arange(grid.pieces).reshape(grid.rows, grid.columns)
    names = {(0, 0): RIGHT}
    if (grid.rows, grid.columns) == (2, 2):
        names |= {(1, 0): ROWS, (0, 1): COLUMNS, (1, 1): BOTH}
    regular = {}
    for down in range(grid.rows):
        for right in range(grid.columns):
            moved = tuple(np.roll(board, (-down, -right), (0, 1)).ravel().tolist())
            regular[moved] = names.get((down, right), SHIFT)
    return regular | _lines(grid, regular)


def _lines(grid: Grid, regular: dict[tuple[int, ...], str]) -> dict[tuple[int, ...], str]:
    """One exchange of two whole rows or two whole columns of a grid that has several of both."""
    found: dict[tuple[int, ...], str] = {}
    if min(grid.rows, grid.columns) < 2:
        return found
    board = np.arange(grid.pieces).reshape(grid.rows, grid.columns)
    for axis, name in ((0, ROWS), (1, COLUMNS)):
        for i in range(board.shape[axis]):
            for j in range(i):
                order = np.arange(board.shape[axis])
                order[[i, j]] = order[[j, i]]
                found[tuple(board.take(order, axis).ravel().tolist())] = name
    return {row: name for row, name in found.items() if row not in regular}


def _by_moved(row: list[int], *, four: bool) -> str:
    """By how many pieces lie elsewhere; of four, all moved in pairs are whole rows or columns and known already."""
    moved = sum(i != j for i, j in enumerate(row))
    named = {2: PAIR, 3: THREE, 4: FOUR} if four else {2: PAIR, 3: THREE}
    return named.get(moved, OTHER)
