"""The kinds of mistakes: all 24 counted, and pictures as oracle."""

from collections import Counter
from itertools import permutations

import numpy as np
import pytest
import torch

from puzzles.scenes import orders
from snellen.puzzles.grid import Grid
from snellen.puzzles.kinds import KINDS, chances, kinds_of

ALL = torch.tensor(list(permutations(range(4))))


def picture(found: list[int], truth: list[int], grid: Grid) -> np.ndarray:
    """Which true position's piece lies at each place of the picture that was made."""
    board = np.empty(grid.pieces, int)
    for here in range(grid.pieces):
        board[found[here]] = truth[here]
    return board.reshape(grid.rows, grid.columns)


def test_all_24_by_hand() -> None:
    counts = Counter(kinds_of(ALL, torch.arange(4).expand(24, 4), Grid(2, 2)))
    assert counts == {
        "right": 1,
        "rows exchanged": 1,
        "columns exchanged": 1,
        "rows and columns exchanged": 1,
        "one pair exchanged": 6,
        "three in a circle": 8,
        "four in a circle": 6,
    }
    assert {kind: round(24 * chance) for kind, chance in chances(Grid(2, 2)).items() if chance} == counts


@pytest.mark.parametrize("seed", range(5))
def test_2x2_by_the_picture_made(seed: int) -> None:
    truth = torch.from_numpy(orders(24, Grid(2, 2), seed=seed))
    true = np.arange(4).reshape(2, 2)
    for found, row, kind in zip(ALL.tolist(), truth.tolist(), kinds_of(ALL, truth, Grid(2, 2)), strict=True):
        board = picture(found, row, Grid(2, 2))
        plain = {
            "right": true,
            "rows exchanged": true[::-1],
            "columns exchanged": true[:, ::-1],
            "rows and columns exchanged": true[::-1, ::-1],
        }
        moved = int((board != true).sum())
        if kind in plain:
            assert np.array_equal(board, plain[kind])
        else:
            assert moved == {"one pair exchanged": 2, "three in a circle": 3, "four in a circle": 4}[kind]
            assert not any(np.array_equal(board, other) for other in plain.values())


@pytest.mark.parametrize(
    ("board", "kind"),
    [
        (np.arange(9).reshape(3, 3), "right"),
        (np.roll(np.arange(9).reshape(3, 3), 1, 0), "shifted as a whole"),
        (np.roll(np.arange(9).reshape(3, 3), (2, 1), (0, 1)), "shifted as a whole"),
        (np.arange(9).reshape(3, 3)[[1, 0, 2]], "rows exchanged"),
        (np.arange(9).reshape(3, 3)[:, [2, 1, 0]], "columns exchanged"),
        (np.array([[1, 0, 2], [3, 4, 5], [6, 7, 8]]), "one pair exchanged"),
        (np.array([[1, 2, 0], [3, 4, 5], [6, 7, 8]]), "three in a circle"),
        (np.array([[1, 0, 2], [4, 3, 5], [6, 7, 8]]), "other"),
    ],
)
def test_3x3(board: np.ndarray, kind: str) -> None:
    truth = torch.from_numpy(orders(1, Grid(3, 3)))
    found = torch.tensor([[board.flatten().tolist().index(j) for j in truth[0].tolist()]])
    assert np.array_equal(picture(found[0].tolist(), truth[0].tolist(), Grid(3, 3)), board)
    assert kinds_of(found, truth, Grid(3, 3)) == [kind]


@pytest.mark.parametrize("grid", [Grid(1, 2), Grid(1, 4), Grid(2, 3), Grid(5, 1)], ids=str)
def test_chances_add_up(grid: Grid) -> None:
    found = chances(grid)
    assert set(found) == set(KINDS)
    assert sum(c or 0 for c in found.values()) == pytest.approx(1)
    assert chances(Grid(3, 3))["other"] is None
    assert chances(Grid(3, 3))["right"] == 1 / 362880
