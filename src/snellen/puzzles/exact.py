"""The best arrangement of a small grid, without listing them all: dynamic programming over sets of pieces."""

from dataclasses import dataclass
from functools import lru_cache
from math import comb, perm

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from snellen.nets.deshuffler import Scores
from snellen.puzzles.grid import Grid

Found = tuple[Int[Tensor, "n m"], Float[Tensor, "n"], Float[Tensor, "n"]]
"""For n puzzles: the piece at each position, the lead over the second best in nats, the probability."""


@dataclass(frozen=True, eq=False)
class _Step:
    """One position filled. A state is the set of pieces used and the last ``columns`` of them in order.

    Attributes:
        before: (t, d) the states of the step before from which each of t states is reached.
        piece: (t,) the piece just placed.
        left: (t,) the piece left of it, -1 at the start of a row.
        upper: (t, d) the piece above it, by the state it came from; none in the first row.
    """

    before: Int[Tensor, "t d"]
    piece: Int[Tensor, "t"]
    left: Int[Tensor, "t"] | None
    upper: Int[Tensor, "t d"] | None


def exact_cost(grid: Grid) -> int:
    """Steps an image that :func:`exact_orders` takes.

    Filling position k (from 0) reaches C(m, k+1) (k+1)! / (k+1-c)! states (set of k+1 pieces, the last c in order, c
    the shorter side), each from k+1-c others.

    >>> exact_cost(Grid(3, 3)), exact_cost(Grid(4, 4)) > 10**7
    (97353, True)
    """
    m, c = grid.pieces, min(grid.rows, grid.columns)
    return sum(comb(m, k + 1) * perm(k + 1, min(c, k + 1)) * max(1, k + 1 - c) for k in range(m))


def exact_orders(scores: Scores, grid: Grid) -> Found:
    """The best arrangement of every puzzle, its lead over the second best, and its probability among all m!.

    Positions are filled in reading order along the shorter side. What is still to come depends on the pieces used
    and on the last row's worth of them alone, so for each such state the two best ways to reach it and the sum over
    all ways are kept: max and log-sum-exp over the same states (Held and Karp 1962).

    Args:
        scores: of n puzzles.
        grid: rows and columns; see :func:`exact_cost` before choosing a large one.

    Reference: Held and Karp 1962, A dynamic programming approach to sequencing problems.

    >>> from snellen.puzzles.edges import edge_scores
    >>> orders, lead, probability = exact_orders(edge_scores(torch.rand(2, 8, 3, 6, 6)), Grid(2, 4))
    >>> orders.shape
    torch.Size([2, 8])
    """
    if grid.columns > grid.rows:
        turned = Grid(grid.columns, grid.rows)
        to_turned = torch.arange(grid.pieces).view(grid.rows, grid.columns).T.flatten()
        orders, lead, probability = exact_orders(
            Scores(scores.above, scores.beside, scores.place[:, :, to_turned]), turned
        )
        return orders[:, to_turned.argsort()], lead, probability
    n = len(scores.beside)
    beside, above = (s.flatten(1).T.contiguous() for s in (scores.beside, scores.above))
    place = scores.place.permute(2, 1, 0).contiguous()  # position, piece, puzzle
    steps = _steps(grid)
    two, every = place.new_full((1, 2, n), -torch.inf), place.new_zeros(1, n)
    two[:, 0] = 0
    trail = []
    for position, step in enumerate(steps):
        gain = place[position][step.piece]
        if step.left is not None:
            gain = gain + beside[step.left * grid.pieces + step.piece]
        come = two[step.before]
        all_come = every[step.before]
        if step.upper is not None:
            fit = above[step.upper * grid.pieces + step.piece[:, None]]
            come, all_come = come + fit[:, :, None], all_come + fit
        best, second, way = _two_best(come.flatten(1, 2))
        two = torch.stack([best + gain, second + gain], dim=1)
        every = all_come.logsumexp(dim=1) + gain
        trail.append(way)
    best, second, last = _two_best(two.flatten(0, 1)[None])
    orders = _traced(steps, trail, last[0])
    lead = (best - second)[0]
    return orders, lead, (best[0] - every.logsumexp(dim=0)).exp().clamp_max(1)


def _two_best(ways: Float[Tensor, "t d n"]) -> tuple[Tensor, Tensor, Tensor]:
    """The best and the second best of d, and which was the best; (t, n) each."""
    best, which = ways.max(dim=1)
    rest = ways.scatter(1, which[:, None], -torch.inf)
    return best, rest.amax(dim=1), which


def _traced(steps: tuple[_Step, ...], trail: list[Tensor], last: Tensor) -> Int[Tensor, "n m"]:
    """The pieces of the best arrangement, from the last position back; the way of the best is the best all along."""
    columns = torch.arange(len(last), device=last.device)
    state = last // 2
    orders = []
    for step, way in zip(reversed(steps), reversed(trail), strict=True):
        orders.append(step.piece[state])
        state = step.before[state, way[state, columns] // 2]
    return torch.stack(orders[::-1], dim=1)


@lru_cache(maxsize=4)
def _steps(grid: Grid) -> tuple[_Step, ...]:
    m, columns = grid.pieces, grid.columns
    used, last = np.zeros(1, np.int64), np.zeros((1, 0), np.int64)  # a set as bits; pieces in order, oldest first
    steps = []
    for position in range(m):
        source, piece = np.nonzero((used[:, None] >> np.arange(m)) & 1 == 0)
        now = used[source] | (1 << piece)
        recent = np.concatenate([last[source], piece[:, None]], axis=1)
        kept = recent[:, -columns:]
        keys = np.concatenate([now[:, None], kept], axis=1)
        order = np.lexsort(keys.T[::-1])
        fan = max(1, position + 1 - columns)
        before = source[order].reshape(-1, fan)
        first = order.reshape(-1, fan)[:, 0]
        left = recent[first, -2] if position % columns else None
        upper = recent[order, 0].reshape(-1, fan) if position >= columns else None
        steps.append(
            _Step(
                torch.from_numpy(before),
                torch.from_numpy(piece[first]),
                None if left is None else torch.from_numpy(left),
                None if upper is None else torch.from_numpy(upper),
            )
        )
        used, last = now[first], kept[first]
    return tuple(steps)
