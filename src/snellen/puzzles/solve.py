"""The best arrangement of every puzzle: exactly where that is feasible, by a search beyond."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from snellen._errors import UsageError
from snellen.nets.deshuffler import Scores
from snellen.puzzles.exact import exact_cost, exact_orders
from snellen.puzzles.grid import Grid
from snellen.puzzles.pieces import inverse
from snellen.puzzles.search import searched_orders
from snellen.puzzles.totals import rows_of

MOST_STEPS = 200_000
"""Up to so many steps an image the dynamic programme is used: 3x3 takes 97,000."""
BLOCK_STEPS = 4_000_000


@dataclass(frozen=True, eq=False)
class Solution:
    """The best arrangement found of each puzzle.

    Attributes:
        permutations: (n, m); ``permutations[n, i] = j``: the piece at position i belongs at position j.
        margin: (n,) nats by which its score leads the second best arrangement. Where the arrangements were searched
            and not enumerated, the second best that was seen: an upper bound, as a better rival may have been missed.
        probability: (n,) of it under the softmax over all arrangements; where they were searched, over those that
            were seen: an upper bound again.
        exact: whether it is certain that no arrangement scores higher.
    """

    permutations: Int[Tensor, "n m"]
    margin: Float[Tensor, "n"]
    probability: Float[Tensor, "n"]
    exact: bool

    def __len__(self) -> int:
        return len(self.permutations)


def is_exact(grid: Grid) -> bool:
    """Whether :func:`solve` finds the best of all arrangements of this grid for certain.

    >>> is_exact(Grid(3, 3)), is_exact(Grid(4, 4))
    (True, False)
    """
    return grid.countable or exact_cost(grid) <= MOST_STEPS


def solve(scores: Scores | Float[Tensor, "n a"], grid: Grid) -> Solution:
    """The arrangement of each puzzle with the highest score.

    Up to 720 arrangements (2x2, 2x3, 1x6) are enumerated. A little beyond (3x3, 2x4, 2x5) a dynamic programme over
    sets of pieces finds the best, the second best and the sum over all, still exactly. Larger grids are searched:
    several starts, then local search.

    Args:
        scores: of n puzzles; their sum over an arrangement is its log-probability up to a constant. Or (n, a), one
            score for each of :attr:`Grid.arrangements`, as a classifier gives them.
        grid: rows and columns.

    Raises:
        UsageError: (n, a) scores of another number of arrangements than the grid has.

    >>> from snellen.puzzles.edges import edge_scores
    >>> found = solve(edge_scores(torch.rand(5, 4, 3, 8, 8)), Grid(2, 2))
    >>> found.permutations.shape, found.exact, bool((found.margin >= 0).all())
    (torch.Size([5, 4]), True, True)
    """
    if isinstance(scores, Tensor):
        return _best_of(scores, grid)
    scores = Scores(*(part.float() for part in scores))
    if grid.countable:
        flat = torch.cat(scores, dim=1).flatten(1)
        return _best_of(flat @ grid.design.to(flat), grid)
    exact = is_exact(grid)
    block = max(1, BLOCK_STEPS // exact_cost(grid)) if exact else max(1, BLOCK_STEPS // grid.pieces**3)
    way = exact_orders if exact else searched_orders
    parts = [way(rows_of(scores, slice(i, i + block)), grid) for i in range(0, len(scores.beside), block)]
    if not parts:
        empty = scores.beside.new_zeros(0)
        return Solution(torch.zeros(0, grid.pieces, dtype=torch.int64), empty, empty, exact)
    orders, margin, probability = (torch.cat(part) for part in zip(*parts, strict=True))
    return Solution(inverse(orders), margin, probability, exact)


def _best_of(totals: Float[Tensor, "n a"], grid: Grid) -> Solution:
    if totals.ndim != 2 or totals.shape[1] != len(grid.arrangements):
        raise UsageError(
            f"a {grid} grid has {len(grid.arrangements)} arrangements, got scores of shape {tuple(totals.shape)}"
        )
    totals = totals.float()
    two = totals.topk(2, dim=1)
    best = two.values[:, 0]
    orders = grid.arrangements.to(totals.device)[two.indices[:, 0]]
    return Solution(inverse(orders), best - two.values[:, 1], (best - totals.logsumexp(dim=1)).exp(), True)
