"""Search on grids too large to solve exactly: planted arrangements, and exact answers where these are known."""

import pytest
import torch

from puzzles.scenes import orders, planted, random_scores, scenes, shuffle
from snellen.nets.deshuffler import Scores
from snellen.puzzles.edges import edge_scores
from snellen.puzzles.exact import exact_orders
from snellen.puzzles.grid import Grid
from snellen.puzzles.growth import grown
from snellen.puzzles.pieces import cut
from snellen.puzzles.pixels import as_pixels
from snellen.puzzles.search import _assigned, _beam, _corner, _moves, climb, searched_orders
from snellen.puzzles.solve import solve
from snellen.puzzles.totals import total

LARGE = [Grid(4, 4), Grid(3, 5), Grid(1, 14), Grid(14, 1), Grid(6, 6)]


@pytest.mark.parametrize("grid", LARGE, ids=str)
def test_never_worse_than_what_was_planted(grid: Grid) -> None:
    scores, order = planted(grid, 6, signal=5.0)
    best, lead, probability = searched_orders(scores, grid)
    found, hidden = (total(scores, grid, o[:, None])[:, 0] for o in (best, order))
    assert (found >= hidden - 1e-3).all()
    assert torch.equal(best.sort(dim=1).values, torch.arange(grid.pieces).expand_as(best))
    assert (lead >= 0).all()
    assert ((probability > 0) & (probability <= 1)).all()


def test_on_3x3_it_finds_what_the_exact_solver_finds() -> None:
    """Pure noise is the hardest there is; the reported lead and probability are upper bounds of the exact ones."""
    grid, scores = Grid(3, 3), random_scores(20, 9)
    best, lead, probability = searched_orders(scores, grid)
    exact, true_lead, true_probability = exact_orders(scores, grid)
    same = (best == exact).all(dim=1)
    assert same.float().mean() > 0.9
    assert (lead[same] >= true_lead[same] - 1e-4).all()
    assert (probability[same] >= true_probability[same] - 1e-4).all()
    best_totals, exact_totals = (total(scores, grid, o[:, None])[:, 0] for o in (best, exact))
    assert (best_totals <= exact_totals + 1e-4).all()


def test_smooth_images_of_4x4_are_put_together() -> None:
    grid, images = Grid(4, 4), scenes(10, 48, 48)
    truth = orders(10, grid)
    found = solve(edge_scores(cut(as_pixels(shuffle(images, truth, grid)), grid)), grid)
    assert not found.exact
    assert (found.permutations.numpy() == truth).all(axis=1).mean() >= 0.8


def test_places_alone_are_an_assignment() -> None:
    """Without pairs the best arrangement is the best assignment, whichever way it is found."""
    grid, noise = Grid(4, 4), random_scores(4, 16)
    scores = Scores(torch.zeros_like(noise.beside), torch.zeros_like(noise.above), noise.place)
    best = searched_orders(scores, grid)[0]
    assert torch.equal(best, _assigned(scores))
    strong = Scores(scores.beside, scores.above, 9 * torch.eye(16).expand(4, 16, 16) + noise.place)
    assert torch.equal(searched_orders(strong, grid)[0], torch.arange(16).expand(4, 16))


def test_climbing_never_loses_and_ends_where_no_move_helps() -> None:
    grid, scores = Grid(4, 4), random_scores(5, 16)
    start = torch.from_numpy(orders(5, grid))
    end = climb(scores, grid, start)
    before, after = (total(scores, grid, o[:, None])[:, 0] for o in (start, end))
    assert (after > before).all()
    assert (total(scores, grid, end[:, _moves(grid)]) <= after[:, None] + 1e-3).all()


def test_moves_are_rearrangements_each_once() -> None:
    moves = _moves(Grid(3, 4))
    assert torch.equal(moves.sort(dim=1).values, torch.arange(12).expand_as(moves))
    assert len(moves.unique(dim=0)) == len(moves)
    assert not (moves == torch.arange(12)).all(dim=1).any()
    shift = torch.arange(12).view(3, 4).roll((1, 2), (0, 1)).flatten()
    rows = torch.arange(12).view(3, 4)[[1, 0, 2]].flatten()
    for expected in (shift, rows):
        assert (moves == expected).all(dim=1).any()


def test_a_beam_from_a_corner_is_the_turned_puzzle() -> None:
    """With a beam that holds every beginning each corner is exact, so they agree."""
    grid, scores = Grid(2, 2), random_scores(6, 4)
    exact = exact_orders(scores, grid)[0]
    assert torch.equal(_beam(scores, grid), exact)
    for down in (False, True):
        for right in (False, True):
            assert torch.equal(_corner(scores, grid, down, right), exact)


@pytest.mark.parametrize("grid", [Grid(3, 3), Grid(2, 6), Grid(7, 1)], ids=str)
def test_growing_finds_what_is_plain_to_see(grid: Grid) -> None:
    scores, order = planted(grid, 4, signal=20.0)
    found = grown(scores, grid, seeds=3)
    assert torch.equal(found, order[:, None].expand_as(found))


def test_faint_arrangements_need_more_than_a_beam() -> None:
    """At this strength beams from the corners find 2 of the 6, and growing from sure neighbours finds all."""
    grid = Grid(8, 8)
    scores, order = planted(grid, 6, signal=3.5)
    found, hidden = (total(scores, grid, o[:, None])[:, 0] for o in (searched_orders(scores, grid)[0], order))
    assert int((found >= hidden - 1e-3).sum()) >= 5
