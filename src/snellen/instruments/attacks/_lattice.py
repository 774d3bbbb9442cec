"""Pictures of 8 bits: an attack counts when its picture was rounded to levels, within the budget."""

import torch
from jaxtyping import Float
from torch import Tensor

from snellen._shapes import Pixels
from snellen.instruments.attacks._norms import L2, Norm

LEVELS = 255
NOISE = 1e-6  # nearer than this two values are the same: what is left of sums and differences in float32
KEPT = 0.95  # of a change's length: where rounding leaves less of it, the change is stretched first
HALVINGS = 12


def levels(pixels: Pixels) -> Float[Tensor, "n c h w"]:
    """The nearest level of each value, 0 to 255, as float32."""
    return (pixels.float() * LEVELS).round().clamp(0, LEVELS)


def inside(candidates: Pixels, originals: Pixels, norm: Norm) -> Pixels:
    """The candidates within [0, 1] and within the budget of the norm around the originals."""
    clipped = candidates.clamp(0, 1)
    if not norm.bounded:
        return clipped
    return (originals + norm.project(clipped - originals)).clamp(0, 1)


def snapped(pixels: Pixels) -> Pixels:
    """The pixels, those that lie on a level but for the noise of float32 exactly there."""
    nearest = levels(pixels) / LEVELS
    return torch.where((pixels - nearest).abs() < NOISE, nearest, pixels)


def rounded(candidates: Pixels, originals: Pixels, norm: Norm) -> Pixels:
    """The nearest pictures of 8 bits that are still within the budget.

    Where there is no budget and rounding would swallow a change that is mostly below half a level, the nearest that
    keeps the change: see :func:`stretched`.

    Args:
        candidates: (n, c, h, w), within the budget.
        originals: (n, c, h, w) on levels.
        norm: of the budget.
    """
    nearest = levels(candidates)
    if not norm.bounded:
        swallowed = (kept(nearest / LEVELS, candidates, originals) < KEPT).nonzero()[:, 0]
        if len(swallowed):
            nearest[swallowed] = levels(stretched(candidates[swallowed], originals[swallowed]))
    elif isinstance(norm, L2):
        nearest = _within(nearest, candidates * LEVELS, originals * LEVELS, norm.eps * LEVELS)
    return nearest / LEVELS


def kept(pictures: Pixels, candidates: Pixels, originals: Pixels) -> Float[Tensor, "n"]:
    """How much of each change is left: the part of ``pictures - originals`` along the change, over its length."""
    change = (candidates - originals).flatten(1)
    return ((pictures - originals).flatten(1) * change).sum(dim=1) / change.square().sum(dim=1).clamp_min(1e-30)


def stretched(candidates: Pixels, originals: Pixels, share: float = 1.0) -> Pixels:
    """The pictures of 8 bits at the least multiple of each change whose rounding keeps ``share`` of its length.

    Of all changes by whole levels with as much gain along a slope, the shortest are the roundings of multiples of that
    slope: level k + 1 of a value costs (k + 1)^2 - k^2 = 2k + 1, and values are best moved in the order of slope /
    (2k + 1). The change of a least-distance attack is along the slope.

    >>> made = torch.tensor([0.4, 0.3, 0.1, 0.0]).view(1, 1, 2, 2) / 255
    >>> (stretched(made, torch.zeros_like(made)) * 255).flatten()
    tensor([1., 0., 0., 0.])
    """
    change = candidates - originals
    largest = change.flatten(1).abs().amax(dim=1).clamp_min(1e-12)
    low, high = torch.ones_like(largest), (1 / (LEVELS * largest)).clamp_min(2)

    def at(factor: Tensor) -> Pixels:
        return levels(originals + factor.view(-1, 1, 1, 1) * change) / LEVELS

    for _ in range(HALVINGS):
        lacking = kept(at(high), candidates, originals) < share
        if not lacking.any():
            break
        high = torch.where(lacking, 2 * high, high)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        enough = kept(at(middle), candidates, originals) >= share
        low, high = torch.where(enough, low, middle), torch.where(enough, middle, high)
    return at(high)


def _within(nearest: Tensor, wanted: Tensor, start: Tensor, most: float) -> Tensor:
    """Rounding up the change where it costs most is undone until the length fits; rounding all down always does."""
    start = start.round()
    near = (nearest - start).flatten(1).double()
    down = (wanted - start).flatten(1).double().trunc()
    gain = near.square() - torch.minimum(near.abs(), down.abs()).square()
    excess = near.square().sum(dim=1) - most**2 * (1 - 1e-9)
    order = gain.argsort(dim=1, descending=True, stable=True)
    won = gain.gather(1, order).cumsum(dim=1)
    needed = (won - gain.gather(1, order) < excess[:, None]) & (excess[:, None] > 0)
    undone = torch.zeros_like(needed).scatter(1, order, needed)
    smaller = torch.where(down.abs() < near.abs(), down, near)
    return (start.flatten(1) + torch.where(undone, smaller, near)).float().view_as(nearest)
