"""The Square Attack: random squares, kept where the margin falls; it asks for outputs and for nothing else."""

import math
from bisect import bisect_left
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from snellen._errors import UsageError
from snellen._shapes import Pixels
from snellen.instruments.attacks._base import Attack
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.attacks._lattice import inside, rounded
from snellen.instruments.attacks._norms import L2, TINY, Linf, Norm
from snellen.instruments.attacks._victim import Victim

HALVED = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)
"""Queries, of 10,000, after which the share of the image that a square covers is halved."""
TILES = 5  # a side, of the first change in L2


@dataclass(frozen=True)
class Square(Attack):
    """Random search with squares of one colour change: only outputs are asked for, so the victim may be any function.

    Linf: the image starts in vertical stripes of ``+eps`` or ``-eps``; in each query a square is set to ``+eps`` or
    ``-eps``, a sign a channel. L2: it starts in tiles of a two-sided pyramid; in each query the length that two
    windows hold, and what the budget has left, are moved into one of them. A change is kept where the margin falls.
    Every picture that is asked about is one of 8 bits within the budget. The schedule of sizes is that of the paper,
    made for 10,000 queries, scaled to ``queries``.

    Args:
        norm: Linf or L2, with a budget.
        queries: pictures shown to the victim, an image, at most.
        share: of the image that the first squares cover, in (0, 1].

    Raises:
        UsageError: fewer than one query, a share out of range.

    Reference: Andriushchenko, Croce, Flammarion and Hein 2020, Square Attack: a Query-efficient Black-box Adversarial
    Attack via Random Search, arXiv 1912.00049.

    >>> darker = lambda pixels: torch.stack([pixels.mean(dim=(1, 2, 3)), 0.5 + 0 * pixels[:, 0, 0, 0]], dim=1)
    >>> found = Square(Linf(0.25), queries=100)(darker, torch.full((1, 3, 8, 8), 0.6), torch.tensor([0]))
    >>> found.success, found.details["gradients"]
    (tensor([True]), 0)
    """

    norms: ClassVar[tuple[type[Norm], ...]] = (Linf, L2)
    queries: int = 5000
    share: float = 0.8

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.queries < 1:
            raise UsageError(f"queries must be at least 1, got {self.queries}")
        if not 0 < self.share <= 1:
            raise UsageError(f"share must lie in (0, 1], got {self.share}")

    def perturb(self, victim: Victim, originals: Pixels, draws: Draws) -> Pixels:
        rows, streams = torch.arange(len(originals), device=originals.device), draws[torch.arange(len(originals))]
        best = inside(self._first(originals, streams), originals, self.norm)
        out = rounded(best, originals, self.norm)
        seen = victim.look(out)
        margin, left = victim.goal.margin(seen.scores), ~seen.achieved
        for query in range(1, self.queries):
            rows, streams, best, margin = rows[left], streams[left], best[left], margin[left]
            if len(rows) == 0:
                break
            around, side = originals[rows], self._side(query, *originals.shape[2:])
            made = self._changed(best, around, side, streams)
            files = rounded(made, around, self.norm)
            seen = victim[rows].look(files)
            now = victim.goal[rows].margin(seen.scores)
            better = (now < margin) | seen.achieved
            out[rows[better]], best[better], margin[better] = files[better], made[better], now[better]
            left = ~seen.achieved
        return out

    def _side(self, query: int, height: int, width: int) -> int:
        share = self.share / 2 ** bisect_left(HALVED, query * 10_000 / self.queries)
        side, most = round(math.sqrt(share * height * width)), min(height, width)
        if isinstance(self.norm, Linf):
            return min(max(side, 1), most)
        return min(max(side, 3) | 1, most if most % 2 or most < 3 else most - 1)

    def _first(self, originals: Pixels, streams: Draws) -> Pixels:
        n, c, height, width = originals.shape
        if isinstance(self.norm, Linf):
            signs = _signs(streams.uniform((n, c, 1, width)))
            return originals + self.norm.radius * signs.to(originals.device)
        side = max(min(height, width) // TILES, 1)
        down, across = height // side, width // side
        draws = streams.uniform((n, down * across, c + 1)).to(originals.device)
        delta = torch.zeros_like(originals)
        for tile in range(down * across):
            top = (height - down * side) // 2 + tile // across * side
            left = (width - across * side) // 2 + tile % across * side
            bump = _pyramids(side, draws[:, tile, 0]) * _signs(draws[:, tile, 1:])[:, :, None, None]
            delta[:, :, top : top + side, left : left + side] = bump
        return originals + self.norm.eps * self.norm.steepest(delta)

    def _changed(self, best: Pixels, originals: Pixels, side: int, streams: Draws) -> Pixels:
        n, c, height, width = best.shape
        draws = streams.uniform((n, c + 5)).to(best.device)
        signs = _signs(draws[:, 5:])[:, :, None, None]
        here = _window(draws[:, 0:2], side, height, width)
        if isinstance(self.norm, Linf):
            return torch.where(here, (originals + self.norm.radius * signs).clamp(0, 1), best)
        there = _window(draws[:, 2:4], side, height, width)
        delta = best - originals
        held = (delta * (here | there)).square().sum(dim=(2, 3), keepdim=True)
        spare = (self.norm.eps**2 - delta.square().sum(dim=(1, 2, 3), keepdim=True)).clamp_min(0) / c
        cut = (delta * here)[here.expand_as(delta)].view(n, c, side, side)
        fresh = cut / _length(cut) + _pyramids(side, draws[:, 4]) * signs
        fresh = fresh / _length(fresh) * (spare + held).sqrt()
        delta = torch.where(there, 0.0, delta)
        delta = delta.masked_scatter(here.expand_as(delta), fresh)
        return (originals + self.norm.eps * self.norm.steepest(delta)).clamp(0, 1)


def _signs(uniform: Tensor) -> Tensor:
    return torch.where(uniform < 0.5, -1.0, 1.0)


def _length(values: Pixels) -> Float[Tensor, "n c 1 1"]:
    """Of each channel."""
    return values.square().sum(dim=(2, 3), keepdim=True).sqrt().clamp_min(TINY)


def _window(uniform: Float[Tensor, "n 2"], side: int, height: int, width: int) -> Tensor:
    """A square at a place of its own in each image: (n, 1, h, w) bool."""
    room = torch.tensor([height - side + 1, width - side + 1], device=uniform.device)
    top, left = (uniform * room).long().unbind(dim=1)
    rows = torch.arange(height, device=uniform.device) - top[:, None]
    columns = torch.arange(width, device=uniform.device) - left[:, None]
    return ((rows >= 0) & (rows < side))[:, None, :, None] & ((columns >= 0) & (columns < side))[:, None, None, :]


def _pyramids(side: int, uniform: Float[Tensor, "n"]) -> Float[Tensor, "n 1 side side"]:
    """One half up, one half down, of length 1; by the draw the halves lie above or beside each other."""
    upper = side // 2
    bump = torch.cat([_pyramid(upper, side), -_pyramid(side - upper, side)]).to(uniform.device)
    bump = bump / torch.linalg.vector_norm(bump)
    return torch.where((uniform < 0.5)[:, None, None, None], bump, bump.T)


def _pyramid(height: int, width: int) -> Float[Tensor, "h w"]:
    """Nested rectangles around the middle, the i-th adding ``1 / i^2``; of length 1."""
    if height == 0:
        return torch.zeros(0, width)
    rings = max(height, width) // 2 + 1
    sums = (1 / torch.arange(1.0, rings + 1).square()).flip(0).cumsum(0).flip(0)
    rows, columns = (torch.arange(size) - size // 2 for size in (height, width))
    bump: Tensor = sums[torch.maximum(rows.abs()[:, None], columns.abs()[None])]
    length: Tensor = torch.linalg.vector_norm(bump)
    return bump / length
