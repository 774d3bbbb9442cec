"""Images that can be put together again, and puzzles made of them."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from snellen.nets.deshuffler import Scores
from snellen.puzzles.convention import Convention
from snellen.puzzles.grid import Grid
from snellen.puzzles.load import Puzzles


def scenes(n: int, height: int = 24, width: int = 24, *, seed: int = 0, channels: int = 3) -> NDArray[np.uint8]:
    """(n, h, w, c) smooth fields of colour, a few waves each: what edges continue."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    images = np.zeros((n, height, width, channels))
    for _ in range(4):
        fy, fx = rng.uniform(-2, 2, (2, n, 1, 1, channels))
        phase = rng.uniform(0, 2 * np.pi, (n, 1, 1, channels))
        images += np.sin(2 * np.pi * (fy * y[None, :, :, None] + fx * x[None, :, :, None]) + phase)
    low, high = images.min((1, 2), keepdims=True), images.max((1, 2), keepdims=True)
    return ((images - low) / (high - low) * 255).round().astype(np.uint8)


def orders(n: int, grid: Grid, *, seed: int = 0) -> NDArray[np.int64]:
    """(n, m) permutations."""
    return np.random.default_rng([seed, 1]).permuted(np.tile(np.arange(grid.pieces), (n, 1)), axis=1)


def shuffle(images: NDArray[np.uint8], permutations: NDArray[np.int64], grid: Grid) -> NDArray[np.uint8]:
    """By loops and slices, independent of the package: piece at position i is taken from where it belongs."""
    mixed = np.empty_like(images)
    h, w = images.shape[1] // grid.rows, images.shape[2] // grid.columns
    for image, row, result in zip(images, permutations, mixed, strict=True):
        for i, j in enumerate(row.tolist()):
            (ri, ci), (rj, cj) = divmod(i, grid.columns), divmod(j, grid.columns)
            result[ri * h : ri * h + h, ci * w : ci * w + w] = image[rj * h : rj * h + h, cj * w : cj * w + w]
    return mixed


def puzzles(images: NDArray[np.uint8], permutations: NDArray[np.int64], grid: Grid, *, known: int) -> Puzzles:
    """Shuffled, with the first ``known`` permutations."""
    told = permutations.copy()
    told[known:] = -1
    return Puzzles(shuffle(images, permutations, grid), told, grid, convention=Convention("belongs-at", "given"))


def random_scores(n: int, pieces: int, *, seed: int = 0) -> Scores:
    """Normal noise."""
    generator = torch.Generator().manual_seed(seed)
    return Scores(*torch.randn(3, n, pieces, pieces, generator=generator))


def slow_total(scores: Scores, grid: Grid, image: int, order: list[int]) -> float:
    """The score of one arrangement by loops; ``order[k]`` is the piece at position k."""
    found = sum(float(scores.place[image, piece, k]) for k, piece in enumerate(order))
    for r in range(grid.rows):
        for c in range(grid.columns):
            here = order[r * grid.columns + c]
            if c + 1 < grid.columns:
                found += float(scores.beside[image, here, order[r * grid.columns + c + 1]])
            if r + 1 < grid.rows:
                found += float(scores.above[image, here, order[(r + 1) * grid.columns + c]])
    return found


def planted(grid: Grid, n: int, *, signal: float, seed: int = 0) -> tuple[Scores, Tensor]:
    """Noise in which one arrangement of each puzzle scores higher at every seam; places say nothing."""
    noise = random_scores(n, grid.pieces, seed=seed)
    order = torch.from_numpy(orders(n, grid, seed=seed))
    rows = torch.arange(n)
    for left, right in grid.beside:
        noise.beside[rows, order[:, left], order[:, right]] += signal
    for upper, lower in grid.above:
        noise.above[rows, order[:, upper], order[:, lower]] += signal
    return Scores(noise.beside, noise.above, torch.zeros_like(noise.place)), order
