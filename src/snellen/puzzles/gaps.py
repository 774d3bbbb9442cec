"""Accuracy against the gap: how much of a solver is edge matching."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from snellen.puzzles.grid import Grid
from snellen.puzzles.judge import Share, share
from snellen.puzzles.pieces import cut, shuffled
from snellen.puzzles.pixels import as_pixels, blocks
from snellen.puzzles.restore import BATCH, Scorer
from snellen.puzzles.solve import solve

GAPS = (0, 2, 4, 6, 8)


def gap_accuracy(
    images: NDArray[np.uint8], grid: Grid, scorer: Scorer, *, gaps: Sequence[int] = GAPS, seed: int = 0
) -> dict[int, Share]:
    """Share of whole images solved when so many pixels are missing between neighbours.

    The images are cut with the gap, half of it from every side of every piece, shuffled by the seed, and solved.
    Gaps that leave less than 2 pixels of a piece are left out.

    Args:
        images: (n, h, w, c) uint8, put together.
        grid: rows and columns.
        scorer: pieces to scores.
        gaps: pixels, even.
        seed: of the shuffling, the same for every scorer and gap.

    >>> from snellen.puzzles.edges import edge_scores
    >>> images = np.zeros((3, 16, 16, 3), np.uint8)
    >>> list(gap_accuracy(images, Grid(2, 2), edge_scores))
    [0, 2, 4, 6]
    """
    smallest = min(images.shape[1] // grid.rows, images.shape[2] // grid.columns)
    places = np.tile(np.arange(grid.pieces), (len(images), 1))
    truth = torch.from_numpy(np.random.default_rng([seed, 0x6A9]).permuted(places, axis=1))
    found = {}
    for gap in sorted(g for g in gaps if smallest - g >= 2):
        right = [torch.zeros(0, dtype=torch.bool)]
        for rows in blocks(len(images), images.shape[1:], most=BATCH):
            pieces = shuffled(cut(as_pixels(images[rows]), grid, gap=gap), truth[rows])
            with torch.inference_mode():
                solution = solve(scorer(pieces), grid)
            right.append((solution.permutations.cpu() == truth[rows]).all(dim=1))
        found[gap] = share(torch.cat(right))
    return found
