"""Right by image and by piece, their intervals, coverage and calibration."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from puzzles.scenes import orders
from snellen.findings.interval import wilson
from snellen.puzzles.grid import Grid
from snellen.puzzles.judge import calibration, coverage, judge, share
from snellen.puzzles.solve import Solution

GRID = Grid(2, 2)


def solution(found: Tensor) -> Solution:
    n = len(found)
    return Solution(found, torch.linspace(0, 1, n), torch.linspace(0.5, 1, n), True)


def no_twins(n: int) -> Tensor:
    return torch.zeros(n, 4, 4, dtype=torch.bool)


@given(seed=st.integers(0, 200), n=st.integers(1, 40))
def test_counts_by_loops(seed: int, n: int) -> None:
    truth, found = (torch.from_numpy(orders(n, GRID, seed=s)) for s in (seed, seed + 1))
    found[::2] = truth[::2]
    judged = judge(solution(found), truth, no_twins(n))
    images = sum(a == b for a, b in zip(found.tolist(), truth.tolist(), strict=True))
    pieces = sum(x == y for a, b in zip(found.tolist(), truth.tolist(), strict=True) for x, y in zip(a, b, strict=True))
    assert (judged.images.right, judged.images.count) == (images, n)
    assert (judged.pieces.right, judged.pieces.count) == (pieces, 4 * n)
    assert (judged.images.low, judged.images.high) == wilson(images, n)
    assert judged.pieces.low <= judged.pieces.value <= judged.pieces.high
    assert judged.looks.right == judged.distinct.right == images


def test_pieces_that_err_together_are_worth_as_many_images() -> None:
    """All four right or all four wrong: the interval of pieces is that of images, and not half as wide."""
    truth = torch.from_numpy(orders(200, GRID))
    found = truth.clone()
    found[:50] = found[:50].roll(1, dims=1)
    judged = judge(solution(found), truth, no_twins(200))
    assert judged.all_wrong == 1
    # the sample variance divides by n - 1: 199 and not 200 images
    assert (judged.pieces.low, judged.pieces.high) == pytest.approx(wilson(150, 200), abs=1e-3)
    assert judged.pieces.high - judged.pieces.low > 1.5 * (wilson(600, 800)[1] - wilson(600, 800)[0])


@pytest.mark.parametrize("right", [True, False])
def test_all_or_nothing(right: bool) -> None:
    truth = torch.from_numpy(orders(30, GRID))
    judged = judge(solution(truth if right else truth.roll(1, dims=1)), truth, no_twins(30))
    assert judged.pieces.value == judged.images.value == float(right)
    assert (judged.pieces.low, judged.pieces.high) == wilson(30 * right, 30)
    assert np.isnan(judged.all_wrong) == right


def test_twins_look_right_and_are_counted_apart() -> None:
    truth = torch.tensor([[0, 1, 2, 3], [0, 1, 2, 3], [0, 1, 2, 3]])
    found = torch.tensor([[1, 0, 2, 3], [1, 0, 2, 3], [0, 1, 2, 3]])
    alike = no_twins(3)
    alike[0, 0, 1] = alike[0, 1, 0] = True
    judged = judge(solution(found), truth, alike)
    assert (judged.images.right, judged.looks.right) == (1, 2)
    assert (judged.distinct.right, judged.distinct.count) == (1, 2)


def test_coverage_by_hand() -> None:
    margin = torch.tensor([4.0, 1.0, 3.0, 2.0])
    covered, accurate = coverage(margin, torch.tensor([True, False, True, False]))
    assert covered == [0.25, 0.5, 0.75, 1.0]
    assert accurate == pytest.approx([1.0, 1.0, 2 / 3, 0.5])
    assert coverage(torch.zeros(0), torch.zeros(0, dtype=torch.bool)) == ([], [])


def test_calibration_of_an_honest_and_of_a_boasting_solver() -> None:
    generator = torch.Generator().manual_seed(0)
    said = torch.rand(20_000, generator=generator)
    right = torch.rand(20_000, generator=generator) < said
    rows, honest = calibration(said, right)
    assert len(rows) == 10
    assert sum(s.count for _, s in rows) == 20_000
    assert honest < 0.02
    assert calibration(torch.full((100,), 0.9), torch.ones(100, dtype=torch.bool))[1] == pytest.approx(0.1)
    assert np.isnan(calibration(torch.zeros(0), torch.zeros(0, dtype=torch.bool))[1])


def test_a_share_in_words() -> None:
    assert str(share(torch.arange(100) < 95)) == "95.0% (88.8% to 97.8%; 95 of 100)"
    assert np.isnan(share(torch.zeros(0, dtype=torch.bool)).value)
