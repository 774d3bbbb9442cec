"""Images put back together: by their permutation where it is known, by prediction where it is lost."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from snellen._atomic import write_bytes
from snellen.nets.deshuffler import Scores
from snellen.puzzles.ambiguous import UNSURE, twins
from snellen.puzzles.grid import Grid
from snellen.puzzles.load import Puzzles
from snellen.puzzles.pieces import cut, join, placed
from snellen.puzzles.pixels import as_pixels, blocks
from snellen.puzzles.solve import Solution, solve

Scorer: TypeAlias = Callable[[Float[Tensor, "n m c h w"]], Scores | Float[Tensor, "n a"]]
"""Pieces with pixels in [0, 1] and three channels -> the scores of their pairs and places, or of every arrangement."""
Progress: TypeAlias = Callable[[int, int], None]
BATCH = 256


@dataclass(frozen=True, eq=False)
class Restored:
    """Every image put back together.

    Attributes:
        images: (n, h, w, c) uint8.
        permutations: (n, m) int64 in Snellen's convention.
        known: (n,) whether the permutation was given, and not predicted.
        probability: (n,) of the permutation; 1 where it was given.
        margin: (n,) lead over the second best arrangement in nats; infinite where it was given.
        ambiguous: (n,) two pieces look the same, or the margin is below ``threshold``.
        twins: (n,) two pieces look the same, so that another order is also right.
        grid: rows and columns.
        threshold: nats.
        exact: whether every prediction is certain to be the arrangement with the highest score.
    """

    images: NDArray[np.uint8]
    permutations: NDArray[np.int64]
    known: NDArray[np.bool_]
    probability: NDArray[np.float32]
    margin: NDArray[np.float32]
    ambiguous: NDArray[np.bool_]
    twins: NDArray[np.bool_]
    grid: Grid
    threshold: float
    exact: bool

    def save(self, path: str | Path) -> Path:
        """Write an ``.npz``, whole or not at all.

        It holds ``images``, ``permutations``, ``known``, ``probability``, ``margin``, ``ambiguous``, ``twins``, and
        the texts ``grid`` and ``convention``.
        """
        small = np.int8 if self.grid.pieces < 128 else np.int64
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            images=self.images,
            permutations=self.permutations.astype(small),
            known=self.known,
            probability=self.probability,
            margin=self.margin,
            ambiguous=self.ambiguous,
            twins=self.twins,
            grid=np.array(str(self.grid)),
            convention=np.array("permutations[i] = j: the piece at position i of the shuffled image belongs at j"),
        )
        return write_bytes(path, buffer.getvalue())


def restore(
    puzzles: Puzzles,
    scorer: Scorer,
    *,
    threshold: float = UNSURE,
    batch_size: int = BATCH,
    progress: Progress | None = None,
) -> Restored:
    """Put every image together, those with a known permutation exactly and the others by prediction.

    Args:
        puzzles: shuffled images.
        scorer: says how well pieces lie beside each other, such as :func:`snellen.puzzles.edges.edge_scores`.
        threshold: nats; a smaller margin makes a prediction ambiguous. See
            :func:`snellen.puzzles.ambiguous.doubtful_below`.
        batch_size: images scored at once; bounds the memory.
        progress: called with (done, total).

    >>> from snellen.puzzles.convention import Convention
    >>> from snellen.puzzles.edges import edge_scores
    >>> mixed = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    >>> lost = np.full((3, 4), -1)
    >>> puzzles = Puzzles(mixed, lost, Grid(2, 2), convention=Convention("belongs-at", "none"))
    >>> restore(puzzles, edge_scores).images.shape
    (3, 8, 8, 3)
    """
    n, grid, lost = len(puzzles), puzzles.grid, puzzles.unknown
    found = solve_images(puzzles, scorer, lost, batch_size=batch_size, progress=progress)
    permutations = puzzles.permutations.copy()
    permutations[lost] = found.permutations.cpu().numpy()
    probability, margin = np.ones(n, np.float32), np.full(n, np.inf, np.float32)
    probability[lost], margin[lost] = found.probability.cpu().numpy(), found.margin.cpu().numpy()
    alike = same_looking(puzzles, np.arange(n)).any(dim=2).any(dim=1).numpy()
    return Restored(
        images=put_together(puzzles.images, permutations, grid),
        permutations=permutations,
        known=puzzles.permutations[:, 0] >= 0,
        probability=probability,
        margin=margin,
        ambiguous=alike | (margin < threshold),
        twins=alike,
        grid=grid,
        threshold=threshold,
        exact=found.exact,
    )


def solve_images(
    puzzles: Puzzles,
    scorer: Scorer,
    indices: NDArray[np.int64],
    *,
    batch_size: int = BATCH,
    progress: Progress | None = None,
) -> Solution:
    """The best arrangements of some of the puzzles, without looking at their permutations.

    Args:
        puzzles: shuffled images.
        scorer: pieces to scores.
        indices: which, in this order.
        batch_size: images scored at once.
        progress: called with (done, total).
    """
    pieces = puzzles.grid.pieces
    parts = [] if len(indices) else [solve(Scores(*torch.zeros(3, 0, pieces, pieces)), puzzles.grid)]
    for block in blocks(len(indices), puzzles.images.shape[1:], most=batch_size):
        rows = indices[block]
        with torch.inference_mode():
            parts.append(solve(scorer(cut(as_pixels(puzzles.images[rows]), puzzles.grid)), puzzles.grid))
        if progress is not None:
            progress(block.stop, len(indices))
    return Solution(
        torch.cat([p.permutations for p in parts]).cpu(),
        torch.cat([p.margin for p in parts]).float().cpu(),
        torch.cat([p.probability for p in parts]).float().cpu(),
        parts[0].exact,
    )


def same_looking(puzzles: Puzzles, indices: NDArray[np.int64], *, batch_size: int = BATCH) -> Tensor:
    """(k, m, m) which two pieces of some of the puzzles look the same."""
    grid = puzzles.grid
    parts = [torch.zeros(0, grid.pieces, grid.pieces, dtype=torch.bool)]
    for block in blocks(len(indices), puzzles.images.shape[1:], most=batch_size):
        rows = indices[block]
        parts.append(twins(cut(as_pixels(puzzles.images[rows]), grid)))
    return torch.cat(parts)


def put_together(images: NDArray[np.uint8], permutations: NDArray[np.int64], grid: Grid) -> NDArray[np.uint8]:
    """(n, h, w, c) shuffled -> (n, h, w, c), each piece where its permutation says that it belongs; exact.

    >>> shuffled = np.arange(16, dtype=np.uint8).reshape(1, 4, 4, 1)
    >>> put_together(shuffled, np.array([[1, 0, 2, 3]]), Grid(2, 2))[0, 0, :, 0].tolist()
    [2, 3, 0, 1]
    """
    result = np.empty_like(images)
    for rows in blocks(len(images), images.shape[1:], most=BATCH):
        mixed = torch.from_numpy(np.ascontiguousarray(images[rows].transpose(0, 3, 1, 2)))
        whole = join(placed(cut(mixed, grid), torch.from_numpy(permutations[rows])), grid)
        result[rows] = whole.permute(0, 2, 3, 1).numpy()
    return result
