"""Change as few pixels as possible: add those that gain most at an end of their range, then take the idle ones away."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from snellen._shapes import Pixels
from snellen.instruments.attacks._victim import Victim, negative_margin

GROWTH = 1.5
DROPPED = 0.3


def fewest(victim: Victim, originals: Pixels, steps: int, confidence: float = 0.0) -> Pixels:
    """Pictures with few changed pixels that reach the goal; where none was found, the last that was tried.

    As Carlini and Wagner's L0 attack, pixels are given up in the order of slope x change, the least first; but a
    change goes to the ends of the range, and starts from the fewest pixels that reach the goal if the scores are
    linear, half as many more each time they do not suffice.

    Args:
        victim: with one goal an image.
        originals: (n, c, h, w).
        steps: slopes at most to find a change, and as many to thin it out.
        confidence: how far past the boundary, in units of the scores.
    """
    made = originals.clone()
    reached = torch.zeros(len(made), dtype=torch.bool, device=made.device)
    count = torch.zeros(len(made), dtype=torch.long, device=made.device)
    rows = torch.arange(len(made), device=made.device)
    for _ in range(steps):
        slope = victim[rows].slope(made[rows], negative_margin)
        across = slope.achieved & (slope.loss > confidence)
        reached[rows] |= across
        rows, gradient, need = rows[~across], slope.gradient[~across], (confidence - slope.loss)[~across]
        if len(rows) == 0:
            break
        corner = (gradient > 0).float()
        gain = (gradient * (corner - made[rows])).sum(dim=1).flatten(1)
        order = gain.argsort(dim=1, descending=True, stable=True)
        linear = (gain.gather(1, order).cumsum(dim=1) < need[:, None]).sum(dim=1) + 1
        growing = (count[rows] * (GROWTH - 1)).ceil().long()
        more = torch.where(growing > 0, torch.minimum(linear, growing), linear).clamp(max=gain.shape[1])
        count[rows] += more
        chosen = _first(order, more).view(len(rows), 1, *made.shape[2:])
        made[rows] = torch.where(chosen, corner, made[rows])
    won = reached.nonzero()[:, 0]
    if len(won):
        made[won] = _thinned(victim[won], originals[won], made[won], steps, confidence)
    return made


def _thinned(victim: Victim, originals: Pixels, made: Pixels, steps: int, confidence: float) -> Pixels:
    best, rows = made.clone(), torch.arange(len(made), device=made.device)
    share = torch.full((len(made),), DROPPED, device=made.device)
    tried = made.clone()
    worth = torch.zeros(len(made), made[0, 0].numel(), device=made.device)
    for _ in range(steps):
        slope = victim[rows].slope(tried[rows], negative_margin)
        across = slope.achieved & (slope.loss > confidence)
        won = rows[across]
        best[won] = tried[won]
        worth[won] = _worth(slope.gradient[across], best[won] - originals[won])
        changed = (best[rows] != originals[rows]).any(dim=1).flatten(1)
        size = changed.sum(dim=1)
        lost = (size * share[rows]).long().clamp_min(1)
        finished = (~across & (lost == 1)) | (size <= 1)
        share[rows] = torch.where(across, share[rows], share[rows] / 2)
        lost = torch.where(across, lost, (size * share[rows]).long().clamp_min(1))
        rows, changed, lost = rows[~finished], changed[~finished], lost[~finished]
        if len(rows) == 0:
            break
        order = torch.where(changed, worth[rows], torch.inf).argsort(dim=1, stable=True)
        dropped = _first(order, lost).view(len(rows), 1, *made.shape[2:])
        tried[rows] = torch.where(dropped, originals[rows], best[rows])
    return best


def _worth(gradient: Pixels, change: Pixels) -> Float[Tensor, "n p"]:
    return (gradient * change).sum(dim=1).flatten(1)


def _first(order: Tensor, count: Tensor) -> Bool[Tensor, "n p"]:
    """A mask of the first ``count`` of each row's order."""
    rank = torch.arange(order.shape[1], device=order.device).expand_as(order)
    return torch.zeros_like(order, dtype=torch.bool).scatter(1, order, rank < count[:, None])
