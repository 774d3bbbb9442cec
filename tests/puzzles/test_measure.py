"""Accuracy against a truth that is known because we shuffled."""

import pytest
import torch
from torch import Tensor

from snellen.nets.deshuffler import Scores
from snellen.puzzles.grid import Grid
from snellen.puzzles.measure import BATCH, measure
from snellen.puzzles.pieces import cut

GRID = Grid(2, 2)


def numbered(n: int, grid: Grid = GRID, piece: int = 4) -> Tensor:
    """Images whose piece k has the grey 10 + k everywhere."""
    rows = torch.arange(grid.pieces).view(grid.rows, grid.columns) + 10
    image = rows.repeat_interleave(piece, 0).repeat_interleave(piece, 1)
    return image.expand(n, 3, -1, -1).to(torch.uint8)


def knows(pieces: Tensor, shift: int = 0) -> Scores:
    """Reads the number of each piece and puts it there, or so many positions further."""
    m = pieces.shape[1]
    belongs = (pieces[:, :, 0, 0, 0] * 255).round().long() - 10
    place = torch.nn.functional.one_hot((belongs + shift) % m, m) * 20.0
    return Scores(torch.zeros_like(place), torch.zeros_like(place), place)


@pytest.mark.parametrize("grid", [GRID, Grid(1, 3), Grid(2, 3), Grid(3, 3)], ids=str)
def test_who_knows_is_always_right(grid: Grid) -> None:
    found = measure(knows, numbered(5, grid), grid)
    assert (found.images, found.pieces, found.asked) == (5, 5 * grid.pieces, 5)
    assert found.right.all()
    assert (found.probability > 0.99).all()
    assert (found.margin > 10).all()


def test_who_turns_all_around_is_never_right() -> None:
    found = measure(lambda pieces: knows(pieces, 1), numbered(5), GRID)
    assert (found.images, found.pieces, found.asked) == (0, 0, 5)


def test_who_is_undecided_is_right_by_chance() -> None:
    """All alike: the answer is one order whatever comes, right for 1 shuffling in 24 and 1 piece in 4."""
    n = 2 * BATCH + 10
    for scorer in (lambda p: Scores(*torch.zeros(3, len(p), 4, 4)), lambda p: torch.zeros(len(p), 24)):
        found = measure(scorer, numbered(n), GRID)
        assert found.asked == n
        assert 0.01 < found.images / n < 0.09
        assert 0.2 < found.pieces / (4 * n) < 0.3
        assert torch.allclose(found.probability, torch.full((n,), 1 / 24))
        assert (found.margin == 0).all()


def test_the_seed_shuffles_and_the_gap_cuts() -> None:
    seen: list[Tensor] = []

    def look(pieces: Tensor) -> Scores:
        seen.append(pieces)
        return knows(pieces)

    images = numbered(6)
    for seed, gap in ((0, 0), (0, 0), (1, 0), (0, 2)):
        measure(look, images, GRID, seed=seed, gap=gap)
    assert torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[0], seen[2])
    assert [tuple(pieces.shape[-2:]) for pieces in seen] == [(4, 4)] * 3 + [(2, 2)]
    whole = cut(images.float() / 255, GRID)
    assert not torch.equal(seen[0], whole)
    assert torch.equal(seen[0].sort(dim=1).values, whole)
    assert seen[0].is_inference() or not seen[0].requires_grad
