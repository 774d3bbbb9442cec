"""The dynamic programme against brute force: best, second best and probability."""

from itertools import permutations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from puzzles.scenes import random_scores
from snellen.puzzles.exact import _steps, exact_cost, exact_orders
from snellen.puzzles.grid import Grid
from snellen.puzzles.totals import rows_of, total


@settings(deadline=None, max_examples=25)
@given(
    grid=st.sampled_from([Grid(2, 2), Grid(2, 3), Grid(3, 2), Grid(1, 5), Grid(5, 1), Grid(1, 2)]), seed=st.integers()
)
def test_every_arrangement_of_small_grids(grid: Grid, seed: int) -> None:
    scores = random_scores(3, grid.pieces, seed=seed % 2**31)
    totals = total(scores, grid, grid.arrangements.expand(3, -1, -1))
    two = totals.topk(2, dim=1)
    orders, lead, probability = exact_orders(scores, grid)
    assert torch.equal(orders, grid.arrangements[two.indices[:, 0]])
    assert torch.allclose(lead, two.values[:, 0] - two.values[:, 1], atol=1e-4)
    assert torch.allclose(probability, totals.softmax(dim=1).amax(dim=1), atol=1e-5)


def test_all_362880_arrangements_of_3x3() -> None:
    grid, scores = Grid(3, 3), random_scores(2, 9)
    every = torch.tensor(list(permutations(range(9))))
    orders, lead, probability = exact_orders(scores, grid)
    for image in range(2):
        totals = total(rows_of(scores, slice(image, image + 1)), grid, every[None])[0]
        two = totals.topk(2)
        assert torch.equal(orders[image], every[two.indices[0]])
        assert float(lead[image]) == pytest.approx(float(two.values[0] - two.values[1]), abs=1e-4)
        assert float(probability[image]) == pytest.approx(float(totals.softmax(dim=0).max()), rel=1e-3)


def test_2x4_and_4x2_are_the_same_puzzle_turned() -> None:
    scores = random_scores(4, 8)
    wide, tall = Grid(2, 4), Grid(4, 2)
    turn = torch.arange(8).view(2, 4).T.flatten()
    turned = type(scores)(scores.above, scores.beside, scores.place[:, :, turn])
    one, other = exact_orders(scores, wide), exact_orders(turned, tall)
    assert torch.equal(one[0][:, turn], other[0])
    assert torch.allclose(one[1], other[1], atol=1e-4)


def test_equal_arrangements_have_no_lead() -> None:
    scores = random_scores(1, 8)
    nothing = type(scores)(*(torch.zeros_like(part) for part in scores))
    _, lead, probability = exact_orders(nothing, Grid(2, 4))
    assert float(lead) == 0
    assert float(probability) == pytest.approx(1 / 40320, rel=1e-3)


@pytest.mark.parametrize("grid", [Grid(3, 3), Grid(4, 2), Grid(6, 1)], ids=str)
def test_the_cost_is_the_count_of_the_steps(grid: Grid) -> None:
    assert exact_cost(grid) == sum(step.before.numel() for step in _steps(grid))
