"""Arrangements grown outwards from a piece, the surest neighbour first, wherever it lies."""

import torch
from jaxtyping import Int
from torch import Tensor

from snellen.nets.deshuffler import Scores
from snellen.puzzles.arranger import against_rivals
from snellen.puzzles.grid import Grid

CORNERED = 0.3
"""Nats that a place gains for every further neighbour that is there already: it can be judged better."""


def grown(scores: Scores, grid: Grid, *, seeds: int) -> Int[Tensor, "n s m"]:
    """Arrangements grown from the ``seeds`` pieces whose neighbours are surest; places do not count.

    Pair scores are judged against their rivals (log softmax over all neighbours of either piece). Starting with one
    piece on an open board, the place beside those filled and the piece for it that fit best, in the mean over the
    neighbours that are there, come next; what is filled never gets higher or wider than the grid.

    Args:
        scores: of n puzzles.
        grid: rows and columns of m pieces.
        seeds: arrangements a puzzle, at most m.

    Reference: Pomeranz, Shemesh and Ben-Shahar 2011, A fully automated greedy square jigsaw puzzle solver.

    >>> from snellen.puzzles.edges import edge_scores
    >>> grown(edge_scores(torch.rand(2, 16, 3, 6, 6)), Grid(4, 4), seeds=3).shape
    torch.Size([2, 3, 16])
    """
    beside, above, _ = against_rivals(scores)
    surest = sum(s.amax(dim=d) for s in (beside, above) for d in (1, 2))
    assert isinstance(surest, Tensor)
    first = surest.topk(min(seeds, grid.pieces), dim=1).indices
    n, count = first.shape
    board = _Board(beside, above, grid, images=torch.arange(n).repeat_interleave(count))
    board.put(torch.full((n * count,), board.middle), first.flatten())
    for _ in range(grid.pieces - 1):
        board.put(*board.next())
    return board.orders().view(n, count, grid.pieces)


class _Board:
    """Open boards, one a row, with a margin of one place around each; places are numbered along the rows."""

    def __init__(self, beside: Tensor, above: Tensor, grid: Grid, *, images: Tensor) -> None:
        self.beside, self.above, self.grid, self.images = beside, above, grid, images
        self.rows = torch.arange(len(images))
        self.width = 2 * grid.columns + 1
        height = 2 * grid.rows + 1
        self.middle = grid.rows * self.width + grid.columns
        places, pieces = height * self.width, grid.pieces
        down, right = torch.arange(height)[:, None], torch.arange(self.width)[None]
        self.down, self.right = (t.expand(height, self.width).flatten() for t in (down, right))
        self.sums = torch.zeros(len(images), places, pieces)
        self.counts = torch.zeros(len(images), places)
        self.filled = torch.zeros(len(images), places, dtype=torch.bool)
        self.used = torch.zeros(len(images), pieces, dtype=torch.bool)
        self.places = torch.zeros(len(images), pieces, dtype=torch.int64)
        far = 10 * max(height, self.width)
        self.low = torch.full((len(images), 2), far)
        self.high = torch.full((len(images), 2), -far)

    def put(self, place: Tensor, piece: Tensor) -> None:
        """One piece a board; its four neighbours learn how each piece would fit beside it."""
        rows, images = self.rows, self.images
        self.filled[rows, place] = self.used[rows, piece] = True
        self.places[rows, piece] = place
        at = torch.stack([self.down[place], self.right[place]], dim=1)
        self.low, self.high = torch.minimum(self.low, at), torch.maximum(self.high, at)
        for step, fit in (
            (1, self.beside[images, piece]),
            (-1, self.beside[images, :, piece]),
            (self.width, self.above[images, piece]),
            (-self.width, self.above[images, :, piece]),
        ):
            self.sums[rows, place + step] += fit
            self.counts[rows, place + step] += 1

    def next(self) -> tuple[Tensor, Tensor]:
        """The place and the piece that fit best, on each board."""
        wide = [
            torch.maximum(self.high[:, a, None], along) - torch.minimum(self.low[:, a, None], along) < side
            for a, along, side in ((0, self.down, self.grid.rows), (1, self.right, self.grid.columns))
        ]
        free = wide[0] & wide[1] & ~self.filled & (self.counts > 0)
        fit = self.sums / self.counts.clamp_min(1)[:, :, None] + CORNERED * self.counts[:, :, None]
        fit = fit.masked_fill(~free[:, :, None] | self.used[:, None], -torch.inf)
        best = fit.flatten(1).argmax(dim=1)
        return best // self.grid.pieces, best % self.grid.pieces

    def orders(self) -> Tensor:
        """(boards, m) the piece at each position, once all are put: places count along the rows, as positions do."""
        return self.places.argsort(dim=1)
