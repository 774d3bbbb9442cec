"""The score of an arrangement: what its pairs and places add up to."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from snellen.nets.deshuffler import Scores
from snellen.puzzles.grid import Grid


def total(scores: Scores, grid: Grid, orders: Int[Tensor, "n a m"]) -> Float[Tensor, "n a"]:
    """The sum of ``beside`` over upright seams, of ``above`` over level seams and of ``place`` over positions.

    Args:
        scores: of n puzzles.
        grid: rows and columns of m pieces.
        orders: ``orders[n, a, k]`` is the piece at position k in the a-th arrangement of puzzle n.

    >>> from snellen.puzzles.edges import edge_scores
    >>> scores = edge_scores(torch.rand(5, 4, 3, 8, 8))
    >>> total(scores, Grid(2, 2), torch.tensor([[[0, 1, 2, 3], [3, 1, 2, 0]]]).expand(5, 2, 4)).shape
    torch.Size([5, 2])
    """
    pieces = grid.pieces
    sums = _picked(scores.place, orders * pieces + torch.arange(pieces, device=orders.device))
    for score, seams in ((scores.beside, grid.beside), (scores.above, grid.above)):
        if seams:
            first, second = torch.tensor(seams, device=orders.device).unbind(1)
            sums = sums + _picked(score, orders[:, :, first] * pieces + orders[:, :, second])
    return sums


def rows_of(scores: Scores, rows: Tensor | slice) -> Scores:
    """The scores of some of the puzzles."""
    return Scores(*(part[rows] for part in scores))


def _picked(score: Float[Tensor, "n m m"], flat: Int[Tensor, "n a s"]) -> Float[Tensor, "n a"]:
    n, arrangements, count = flat.shape
    return score.flatten(1).gather(1, flat.flatten(1)).view(n, arrangements, count).sum(dim=2)
