"""A good arrangement of a grid too large to solve exactly: several starts, then local search."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations

import numpy as np
import torch
from jaxtyping import Bool, Int
from numpy.typing import NDArray
from torch import Tensor

from snellen.nets.deshuffler import Scores
from snellen.puzzles.exact import Found
from snellen.puzzles.grid import Grid
from snellen.puzzles.growth import grown
from snellen.puzzles.totals import rows_of, total

BEAM = 64
"""Beginnings kept at every position."""
SEEDS = 8
"""Pieces that an arrangement is grown from."""
ROUNDS = 100
"""Moves that local search makes at most; it stops where none helps, after a dozen in practice."""
BETTER = 1e-4
"""Less than this gained is rounding."""
BLOCK_MOVES = 4_000_000


def searched_orders(scores: Scores, grid: Grid) -> Found:
    """The best arrangement found of every puzzle, its lead over the second best seen, its probability among those.

    Starts: positions filled in reading order, keeping the 64 best beginnings, from each of the four corners;
    arrangements grown from the 8 pieces whose neighbours are surest; and the best assignment of pieces to places
    (Hungarian algorithm) where the scores know of places. Each start is improved by the best of all exchanges of two
    pieces, of two rows or two columns, and of all shifts of rows, columns or the whole, until none helps. The best of
    all is kept.

    Nothing proves that it is the best there is. Its lead is over the best other start or single move: an upper bound.

    Args:
        scores: of n puzzles.
        grid: rows and columns.

    Reference: Kuhn 1955, The Hungarian method for the assignment problem.

    >>> from snellen.puzzles.edges import edge_scores
    >>> searched_orders(edge_scores(torch.rand(2, 16, 3, 6, 6)), Grid(4, 4))[0].shape
    torch.Size([2, 16])
    """
    starts = [_corner(scores, grid, down, right) for down in (False, True) for right in (False, True)]
    starts += grown(scores, grid, seeds=SEEDS).unbind(1)
    if bool((scores.place.amax(dim=(1, 2)) - scores.place.amin(dim=(1, 2)) > BETTER).any()):
        starts.append(_assigned(scores))
    orders = torch.stack(starts, dim=1)
    n, count, m = orders.shape
    repeated = Scores(*(part.repeat_interleave(count, dim=0) for part in scores))
    orders = climb(repeated, grid, orders.flatten(0, 1)).view(n, count, m)
    totals = total(scores, grid, orders)
    which = totals.argmax(dim=1)
    best = orders[torch.arange(n), which]
    return best, *_lead(scores, grid, best, orders)


def climb(scores: Scores, grid: Grid, orders: Int[Tensor, "n m"]) -> Int[Tensor, "n m"]:
    """Arrangements improved by the best single move, again and again, until none helps.

    >>> from snellen.puzzles.edges import edge_scores
    >>> climb(edge_scores(torch.rand(2, 16, 3, 6, 6)), Grid(4, 4), torch.arange(16).expand(2, 16)).shape
    torch.Size([2, 16])
    """
    orders, active = orders.clone(), torch.arange(len(orders), device=orders.device)
    for _ in range(ROUNDS):
        here = rows_of(scores, active)
        now = total(here, grid, orders[active][:, None])[:, 0]
        gained, best = _best_moves(here, grid, orders[active])
        helps = gained > now + BETTER
        active = active[helps]
        if not len(active):
            break
        orders[active] = orders[active].gather(1, _moves(grid)[best[helps]])
    return orders


def _best_moves(scores: Scores, grid: Grid, orders: Tensor) -> tuple[Tensor, Tensor]:
    """The score after the best move of each arrangement, and which move it is; (n,) each."""
    moves = _moves(grid)
    block = max(1, BLOCK_MOVES // moves.numel())
    found = []
    for start in range(0, len(orders), block):
        rows = slice(start, start + block)
        part = rows_of(scores, rows)
        found.append(total(part, grid, orders[rows][:, moves]).max(dim=1))
    return torch.cat([f.values for f in found]), torch.cat([f.indices for f in found])


def _lead(scores: Scores, grid: Grid, best: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """(n,) lead over the best different arrangement seen, (n,) probability among all that were seen."""
    moves = _moves(grid)
    top = total(scores, grid, best[:, None])
    leads, probabilities = [], []
    block = max(1, BLOCK_MOVES // moves.numel())
    for start in range(0, len(best), block):
        rows = slice(start, start + block)
        part = rows_of(scores, rows)
        near = total(part, grid, best[rows][:, moves])
        far = total(part, grid, others[rows]).masked_fill(_seen(best[rows], others[rows], moves), -torch.inf)
        rivals = torch.cat([near, far], dim=1)
        leads.append((top[rows, 0] - rivals.amax(dim=1)).clamp_min(0))
        probabilities.append((top[rows, 0] - torch.cat([top[rows], rivals], dim=1).logsumexp(dim=1)).exp())
    return torch.cat(leads), torch.cat(probabilities)


def _seen(best: Tensor, others: Tensor, moves: Tensor) -> Bool[Tensor, "n s"]:
    """Which starts ended at the best itself or one move from it, and are counted already; or like an earlier start."""
    near = (others[:, :, None] == best[:, moves][:, None]).all(dim=3).any(dim=2)
    alike = (others[:, :, None] == others[:, None]).all(dim=3).tril(-1).any(dim=2)
    return (others == best[:, None]).all(dim=2) | near | alike


def _corner(scores: Scores, grid: Grid, down: bool, right: bool) -> Int[Tensor, "n m"]:
    """The beam from one corner: the puzzle is turned so that it begins at the top left, and the result turned back."""
    place = torch.arange(grid.pieces).view(grid.rows, grid.columns)
    place = place.flip(0) if down else place
    place = (place.flip(1) if right else place).flatten()  # position in the turned grid -> in the grid
    beside = scores.beside.transpose(1, 2) if right else scores.beside
    above = scores.above.transpose(1, 2) if down else scores.above
    return _beam(Scores(beside, above, scores.place[:, :, place]), grid)[:, place.argsort()]


def _beam(scores: Scores, grid: Grid) -> Int[Tensor, "n m"]:
    n, m = scores.beside.shape[:2]
    images = torch.arange(n, device=scores.beside.device)[:, None]
    orders = torch.zeros(n, 1, 0, dtype=torch.int64, device=scores.beside.device)
    used = torch.zeros(n, 1, m, dtype=torch.bool, device=scores.beside.device)
    totals = scores.place.new_zeros(n, 1)
    for position in range(m):
        gain = totals[:, :, None] + scores.place[:, None, :, position]
        if position % grid.columns:
            gain = gain + scores.beside[images, orders[:, :, -1]]
        if position >= grid.columns:
            gain = gain + scores.above[images, orders[:, :, -grid.columns]]
        flat = gain.masked_fill(used, -torch.inf).flatten(1)
        totals, which = flat.topk(min(BEAM, flat.shape[1], _ways(m, position)), dim=1)
        parent, piece = which // m, which % m
        orders = torch.cat([orders[images, parent], piece[:, :, None]], dim=2)
        used = used[images, parent].scatter(2, piece[:, :, None], True)
    return orders[:, 0]


def _ways(pieces: int, position: int) -> int:
    """How many beginnings of this length there are, up to more than the beam holds."""
    ways = 1
    for taken in range(position + 1):
        ways = min(ways * (pieces - taken), 10 * BEAM)
    return ways


def _assigned(scores: Scores) -> Int[Tensor, "n m"]:
    """The piece at each position, by places alone."""
    from scipy.optimize import linear_sum_assignment

    tables = scores.place.detach().cpu().double().numpy()
    orders = [linear_sum_assignment(table.T, maximize=True)[1] for table in tables]
    return torch.from_numpy(np.stack(orders)).to(scores.place.device)


@lru_cache(maxsize=8)
def _moves(grid: Grid) -> Int[Tensor, "a m"]:
    """Every move as the positions that the pieces come from; each once, and none that moves nothing."""
    here = np.arange(grid.pieces)
    board = here.reshape(grid.rows, grid.columns)
    shifts = [np.roll(board, (down, right), (0, 1)) for down in range(grid.rows) for right in range(grid.columns)]
    boards = [*shifts, *_lines(board), *(lines.T for lines in _lines(board.T))]
    for i, j in combinations(range(grid.pieces), 2):
        swapped = here.copy()
        swapped[[i, j]] = swapped[[j, i]]
        boards.append(swapped.reshape(board.shape))
    distinct = np.unique(np.stack([moved.ravel() for moved in boards]), axis=0)
    return torch.from_numpy(distinct[(distinct != here).any(axis=1)])


def _lines(board: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Two rows exchanged; one row shifted along itself, what leaves at one end coming back at the other."""
    for i, j in combinations(range(len(board)), 2):
        moved = board.copy()
        moved[[i, j]] = moved[[j, i]]
        yield moved
    for row in range(len(board)):
        for by in range(1, board.shape[1]):
            moved = board.copy()
            moved[row] = np.roll(moved[row], by)
            yield moved
