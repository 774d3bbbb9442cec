"""The scale that makes probabilities honest: the maximum of a likelihood, found on a grid as well."""

import numpy as np
import pytest
import torch
from torch import Tensor

from puzzles.scenes import orders, puzzles, random_scores, scenes
from snellen.nets.deshuffler import Scores
from snellen.puzzles.edges import edge_scores
from snellen.puzzles.grid import Grid
from snellen.puzzles.pieces import cut, inverse
from snellen.puzzles.pixels import as_pixels
from snellen.puzzles.scale import fitted_scale, scaled

GRID = Grid(2, 2)
NOISE = np.random.default_rng(0).integers(0, 120, (150, 16, 16, 3))
THESE = puzzles((scenes(150, 16, 16) // 2 + NOISE).astype(np.uint8), orders(150, GRID), GRID, known=120)


def likelihood(scale: float) -> float:
    pieces = cut(as_pixels(THESE.images[:120]), GRID)
    totals = torch.cat(edge_scores(pieces), dim=1).flatten(1) @ GRID.design * scale
    truth = inverse(torch.from_numpy(THESE.permutations[:120]))
    which = (GRID.arrangements[None] == truth[:, None]).all(dim=2).int().argmax(dim=1)
    return -float(torch.nn.functional.cross_entropy(totals, which))


def test_no_other_scale_is_more_likely() -> None:
    found = fitted_scale(edge_scores, THESE, THESE.known)
    best = likelihood(found)
    assert all(best >= likelihood(float(s)) - 1e-3 for s in np.geomspace(2**-5, 2**5, 60))


def test_it_undoes_any_scaling() -> None:
    found = fitted_scale(edge_scores, THESE, THESE.known)
    again = fitted_scale(scaled(edge_scores, 4.0), THESE, THESE.known)
    assert again == pytest.approx(found / 4, rel=0.02)


def test_scores_of_every_arrangement() -> None:
    def totals(pieces: Tensor) -> Tensor:
        return torch.cat(edge_scores(pieces), dim=1).flatten(1) @ GRID.design

    assert fitted_scale(totals, THESE, THESE.known) == pytest.approx(
        fitted_scale(edge_scores, THESE, THESE.known), rel=0.02
    )
    assert torch.equal(scaled(totals, 2.0)(torch.ones(1, 4, 3, 8, 8)), 2 * totals(torch.ones(1, 4, 3, 8, 8)))


def test_too_few_or_searched_is_not_fitted() -> None:
    assert fitted_scale(edge_scores, THESE, THESE.known[:49]) == 1
    grid = Grid(4, 4)
    large = puzzles(scenes(60, 16, 16), orders(60, grid), grid, known=60)

    def never(_: Tensor) -> Scores:
        raise AssertionError("nothing is scored")

    assert fitted_scale(never, large, large.known) == 1


def test_grids_solved_by_dynamic_programming() -> None:
    grid = Grid(2, 4)
    these = puzzles(scenes(60, 16, 16), orders(60, grid), grid, known=60)
    fixed = random_scores(60, 8)

    def noise(pieces: Tensor) -> Scores:
        return Scores(*(part[: len(pieces)] for part in fixed))

    assert fitted_scale(noise, these, these.known) < 0.1  # pure noise is to be believed in nothing
