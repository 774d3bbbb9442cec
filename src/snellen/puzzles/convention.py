"""What an archive's permutations mean: found from the images, and told."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int
from numpy.typing import NDArray
from scipy.special import stdtrit
from torch import Tensor

from snellen._errors import unknown
from snellen.puzzles.edges import edge_scores
from snellen.puzzles.grid import Grid
from snellen.puzzles.pieces import cut, inverse
from snellen.puzzles.pixels import as_pixels, blocks
from snellen.puzzles.totals import total

CONVENTIONS = {
    "belongs-at": "entry i is the position where the piece now at position i belongs",
    "comes-from": "entry i is the position where the piece that belongs at position i lies now",
    "belongs-at-by-columns": "as belongs-at, with positions counted top to bottom, then left to right",
    "comes-from-by-columns": "as comes-from, with positions counted top to bottom, then left to right",
}
"""What ``permutation[i]`` can mean; the first is Snellen's own."""
OURS = next(iter(CONVENTIONS))
FEWEST = 5
"""Below so many puzzles on which two conventions differ, nothing is decided between them."""
MOST_ROWS = 2000
BLOCK = 256


@dataclass(frozen=True)
class Candidate:
    """One convention and how well the images fit when put together by it.

    Attributes:
        name: of :data:`CONVENTIONS`.
        fit: mean edge score of the images put together; higher is better.
        best: share of them that fit no better under any other convention.
    """

    name: str
    fit: float
    best: float


@dataclass(frozen=True)
class Convention:
    """The convention of an archive's permutations.

    Attributes:
        name: of :data:`CONVENTIONS`.
        how: ``detected``, ``given``, ``undecided`` (the puzzles cannot tell: ours is kept if it is among those
            that fit best) or ``none`` (no permutation is known).
        candidates: best fit first.
        chance: mean edge score of images put together by chance.
        lead: mean advantage over the best other candidate, with the 95 % interval of the paired difference, over
            the ``differing`` puzzles on which the two disagree.
        differing: how many these are.
    """

    name: str
    how: str
    candidates: tuple[Candidate, ...] = ()
    chance: float = float("nan")
    lead: tuple[float, float, float] = (float("nan"),) * 3
    differing: int = 0

    @property
    def meaning(self) -> str:
        """In words."""
        return CONVENTIONS[self.name]

    @property
    def fits(self) -> bool:
        """Whether the images fit better than by chance; False says that the vectors are no permutations of them."""
        return not self.candidates or self.candidates[0].fit > self.chance


def convert(vectors: Int[Tensor, "n m"], grid: Grid, name: str) -> Int[Tensor, "n m"]:
    """Permutation vectors of a convention as ours: ``permutation[i] = j``, the piece at i belongs at j.

    Raises:
        UsageError: no such convention.

    >>> convert(torch.tensor([[1, 2, 0, 3]]), Grid(2, 2), "comes-from").tolist()
    [[2, 0, 1, 3]]
    """
    if name not in CONVENTIONS:
        raise unknown("convention", name, [*CONVENTIONS, "detect"])
    if name.endswith("by-columns"):
        numbers = torch.arange(grid.pieces).view(grid.columns, grid.rows).T.flatten()  # ours -> theirs
        ours = torch.arange(grid.pieces).view(grid.rows, grid.columns).T.flatten()  # theirs -> ours
        vectors = ours[vectors[:, numbers]]
    return inverse(vectors) if name.startswith("comes-from") else vectors


def detect(
    images: NDArray[np.uint8], vectors: NDArray[np.int64], grid: Grid, *, known: NDArray[np.int64] | None = None
) -> Convention:
    """The convention under which images put together by their vectors fit best at the edges.

    The two readings of a vector are inverse to each other. Of the 24 permutations of four pieces 10 are their own
    inverse and 14 are not; read the wrong way, a perfect solver is right on 10/24 = 41.7 % of images and on exactly
    50.0 % of pieces, which looks like a weak network and not like a mistake.

    Every candidate puts up to 2,000 images together and the edge matcher scores the results. One is chosen where it
    is better than every other on at least 5 puzzles on which they differ, the 95 % t interval of the paired
    difference lying above 0. Else nothing is decided, and ours is kept if it is among the best.

    Args:
        images: (n, h, w, c) as shuffled.
        vectors: (n, m) permutations of 0 to m - 1 in an unknown convention.
        grid: rows and columns.
        known: (k,) indices of the images that the k vectors belong to; the first k if not given.

    >>> detect(np.zeros((1, 8, 8, 3), np.uint8), np.array([[0, 1, 2, 3]]), Grid(2, 2)).how
    'undecided'
    """
    if not len(vectors):
        return Convention(OURS, "none")
    rows = np.linspace(0, len(vectors) - 1, min(len(vectors), MOST_ROWS)).round().astype(np.int64)
    permutations = {name: convert(torch.from_numpy(vectors[rows]), grid, name) for name in CONVENTIONS}
    if min(grid.rows, grid.columns) == 1:
        permutations = {name: p for name, p in permutations.items() if not name.endswith("by-columns")}
    fits, chance = _fits(images[rows if known is None else known[rows]], list(permutations.values()), grid)
    best = (fits >= fits.amax(dim=1, keepdim=True) - 1e-6).double().mean(dim=0)
    names, means = list(permutations), fits.mean(dim=0)
    order = sorted(range(len(names)), key=lambda i: (-round(float(means[i]), 9), i))
    candidates = tuple(Candidate(names[i], float(means[i]), float(best[i])) for i in order)
    duels = [_duel(fits, order[0], i, permutations[names[order[0]]] != permutations[names[i]]) for i in order[1:]]
    open_to = [names[i] for i, (lead, _) in zip(order[1:], duels, strict=True) if not lead[1] > 0]
    name = OURS if OURS in open_to else candidates[0].name
    lead, differing = duels[0]
    return Convention(name, "undecided" if open_to else "detected", candidates, chance, lead, differing)


def _fits(images: NDArray[np.uint8], candidates: list[Tensor], grid: Grid) -> tuple[Tensor, float]:
    """(n, candidates) edge scores of images put together, and the mean of those put together by chance."""
    found, by_chance = [], []
    places = np.tile(np.arange(grid.pieces), (len(images), 1))
    drawn = torch.from_numpy(np.random.default_rng(0).permuted(places, axis=1))
    orders = torch.stack([*map(inverse, candidates), drawn], dim=1)
    for rows in blocks(len(images), images.shape[1:], most=BLOCK):
        totals = total(edge_scores(cut(as_pixels(images[rows]), grid)), grid, orders[rows]).double()
        found.append(totals[:, :-1])
        by_chance.append(totals[:, -1])
    return torch.cat(found), float(torch.cat(by_chance).mean())


def _duel(fits: Tensor, one: int, other: int, unlike: Tensor) -> tuple[tuple[float, float, float], int]:
    """Mean of the paired difference with its 95 % t interval, where the two disagree; (nan, -inf, inf) of too few."""
    rows = unlike.any(dim=1)
    difference, count = (fits[:, one] - fits[:, other])[rows], int(rows.sum())
    if count < FEWEST:
        return (float("nan"), -float("inf"), float("inf")), count
    mean, error = float(difference.mean()), float(difference.std()) / count**0.5
    half = float(stdtrit(count - 1, 0.975)) * error
    return (mean, mean - half, mean + half), count
