"""Solving: every one of 24 and of 720, classifiers' scores, the sum of an arrangement, empty and wrong input."""

import pytest
import torch

from puzzles.scenes import orders, planted, random_scores, slow_total
from snellen._errors import UsageError
from snellen.nets.deshuffler import Scores
from snellen.puzzles.grid import Grid
from snellen.puzzles.pieces import inverse
from snellen.puzzles.solve import is_exact, solve
from snellen.puzzles.totals import rows_of, total

GRIDS = [Grid(2, 2), Grid(1, 3), Grid(3, 2)]


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_the_best_of_all(grid: Grid) -> None:
    scores = random_scores(3, grid.pieces)
    found = solve(scores, grid)
    assert found.exact
    for image in range(3):
        slow = torch.tensor([slow_total(scores, grid, image, o) for o in grid.arrangements.tolist()])
        two = slow.topk(2)
        assert torch.equal(inverse(found.permutations)[image], grid.arrangements[two.indices[0]])
        assert float(found.margin[image]) == pytest.approx(float(two.values[0] - two.values[1]), abs=1e-4)
        assert float(found.probability[image]) == pytest.approx(float(slow.softmax(0).max()), abs=1e-5)


@pytest.mark.parametrize("grid", [*GRIDS, Grid(3, 3), Grid(4, 4)], ids=str)
def test_the_sum_of_an_arrangement_by_loops(grid: Grid) -> None:
    scores, some = random_scores(2, grid.pieces), torch.from_numpy(orders(6, grid)).view(2, 3, -1)
    found = total(scores, grid, some)
    for image in range(2):
        slow = [slow_total(scores, grid, image, order) for order in some[image].tolist()]
        assert found[image].tolist() == pytest.approx(slow, abs=1e-4)


def test_scores_of_every_arrangement() -> None:
    """A classifier's 24 outputs: the answer is the arrangement with the largest, as a permutation."""
    grid = Grid(2, 2)
    totals = torch.zeros(24, 24).fill_diagonal_(3.0)
    found = solve(totals, grid)
    assert torch.equal(inverse(found.permutations), grid.arrangements)
    assert found.margin.tolist() == [3.0] * 24
    with pytest.raises(UsageError, match="24 arrangements, got scores of shape"):
        solve(torch.zeros(1, 10), grid)


@pytest.mark.parametrize("grid", [Grid(2, 2), Grid(3, 3), Grid(4, 4), Grid(1, 8)], ids=str)
def test_planted_arrangements_are_found_whatever_the_block(grid: Grid, monkeypatch: pytest.MonkeyPatch) -> None:
    scores, order = planted(grid, 5, signal=9.0)
    found = solve(scores, grid)
    assert torch.equal(inverse(found.permutations), order)
    assert found.exact == is_exact(grid)
    monkeypatch.setattr("snellen.puzzles.solve.BLOCK_STEPS", 1)
    assert torch.equal(solve(scores, grid).permutations, found.permutations)


@pytest.mark.parametrize("grid", [Grid(2, 2), Grid(3, 3), Grid(4, 4)], ids=str)
def test_no_puzzles_no_answers(grid: Grid) -> None:
    found = solve(rows_of(random_scores(1, grid.pieces), slice(0, 0)), grid)
    assert found.permutations.shape == (0, grid.pieces)
    assert len(found.margin) == len(found.probability) == len(found) == 0


def test_half_precision_is_solved_in_float32() -> None:
    scores, order = planted(Grid(3, 3), 3, signal=9.0)
    found = solve(Scores(*(part.bfloat16() for part in scores)), Grid(3, 3))
    assert torch.equal(inverse(found.permutations), order)
    assert found.margin.dtype == torch.float32
