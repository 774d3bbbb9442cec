"""The edge matcher: closed forms, smooth images solved, and nothing that is not a number."""

import math

import pytest
import torch

from puzzles.scenes import orders, scenes, shuffle
from snellen.puzzles.edges import REACH, SHARPNESS, edge_scores
from snellen.puzzles.grid import Grid
from snellen.puzzles.pieces import cut
from snellen.puzzles.pixels import as_pixels
from snellen.puzzles.solve import solve


def test_smooth_images_are_put_together() -> None:
    grid, images = Grid(2, 2), scenes(60)
    truth = orders(60, grid)
    found = solve(edge_scores(cut(as_pixels(shuffle(images, truth, grid)), grid)), grid)
    assert (found.permutations.numpy() == truth).all(axis=1).mean() > 0.95


def test_two_pieces_by_hand() -> None:
    """With two pieces each has one rival at most, its other self: the log softmax over one candidate is 0."""
    scores = edge_scores(torch.rand(3, 2, 3, 4, 4))
    assert torch.equal(scores.beside, torch.zeros(3, 2, 2))


def test_three_pieces_by_hand() -> None:
    """One row of pixels: costs from the definition, log softmax both ways."""
    values = torch.tensor([[[0.1, 0.3], [0.4, 0.2], [0.9, 0.6]]])  # a piece is its first and its last pixel
    pieces = values.view(1, 3, 1, 1, 2)
    right = [(1 + REACH) * b - REACH * a for a, b in values[0].tolist()]
    left = [(1 + REACH) * a - REACH * b for a, b in values[0].tolist()]
    cost = [[abs(here - there) for there in left] for here in right]
    mean = sum(cost[i][j] for i in range(3) for j in range(3) if i != j) / 6
    fit = [[-SHARPNESS * c / mean for c in row] for row in cost]

    def log_softmax(value: float, rivals: list[float]) -> float:
        return value - math.log(sum(map(math.exp, rivals)))

    found = edge_scores(pieces).beside[0]
    for i in range(3):
        for j in range(3):
            if i != j:
                over = [fit[i][k] for k in range(3) if k != i]
                under = [fit[k][j] for k in range(3) if k != j]
                expected = log_softmax(fit[i][j], over) + log_softmax(fit[i][j], under)
                assert float(found[i, j]) == pytest.approx(expected, abs=1e-4)


def test_upright_and_level_seams_are_mirror_images() -> None:
    pieces = torch.rand(2, 4, 3, 6, 6)
    scores, turned = edge_scores(pieces), edge_scores(pieces.transpose(-1, -2))
    assert torch.allclose(scores.beside, turned.above)
    assert torch.allclose(scores.above, turned.beside)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1), (4, 4)])
@pytest.mark.parametrize("pieces", [2, 4, 9])
@pytest.mark.parametrize("flat", [True, False])
def test_never_nan(shape: tuple[int, int], pieces: int, flat: bool) -> None:
    pixels = torch.full((2, pieces, 3, *shape), 0.5) if flat else torch.rand(2, pieces, 3, *shape)
    for part in edge_scores(pixels):
        assert part.isfinite().all()
    if flat:
        off = ~torch.eye(pieces, dtype=torch.bool)
        assert edge_scores(pixels).beside[0][off].unique().numel() == 1
