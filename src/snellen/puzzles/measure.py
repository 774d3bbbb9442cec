"""How often a scorer is right about images whose order is known: whole images and single pieces."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from snellen.puzzles.grid import Grid
from snellen.puzzles.pieces import cut, shuffled
from snellen.puzzles.restore import Scorer
from snellen.puzzles.solve import solve

BATCH = 256


@dataclass(frozen=True, eq=False)
class Measured:
    """Answers against the truth.

    Attributes:
        right: (n, m) whether each piece was put where it belongs.
        margin: (n,) nats by which the answer led the second best.
        probability: (n,) of the answer.
    """

    right: Bool[Tensor, "n m"]
    margin: Float[Tensor, "n"]
    probability: Float[Tensor, "n"]

    @property
    def images(self) -> int:
        """How many images were put together without a fault."""
        return int(self.right.all(dim=1).sum())

    @property
    def pieces(self) -> int:
        """How many pieces were put in their place."""
        return int(self.right.sum())

    @property
    def asked(self) -> int:
        """How many images."""
        return len(self.right)


def measure(scorer: Scorer, images: UInt8[Tensor, "n 3 h w"], grid: Grid, *, gap: int = 0, seed: int = 0) -> Measured:
    """Cut whole images, shuffle every one by the seed, and see whether a scorer puts them together.

    Shuffled, because a scorer that is undecided would otherwise be right by leaving all as it is.

    >>> from snellen.puzzles.edges import edge_scores
    >>> smooth = torch.arange(64, dtype=torch.uint8).view(1, 1, 8, 8).expand(1, 3, 8, 8)
    >>> measure(edge_scores, smooth, Grid(2, 2)).images
    1
    """
    generator = torch.Generator().manual_seed(seed)
    parts = []
    for block in images.split(BATCH):
        pieces = cut(block.float() / 255, grid, gap=gap)
        mixed = torch.stack([torch.randperm(grid.pieces, generator=generator) for _ in block])
        with torch.inference_mode():
            found = solve(scorer(shuffled(pieces, mixed)), grid)
        parts.append((found.permutations == mixed, found.margin.float(), found.probability.float()))
    right, margin, probability = (torch.cat(part) for part in zip(*parts, strict=True))
    return Measured(right, margin, probability)
