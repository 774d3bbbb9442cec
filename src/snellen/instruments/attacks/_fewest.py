"""Change as few pixels as possible: give up those that matter least, as long as the others can be made to suffice."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from snellen._shapes import Pixels
from snellen.instruments.attacks._hyperplane import towards
from snellen.instruments.attacks._lattice import LEVELS, levels, rounded
from snellen.instruments.attacks._nearest import clearly, largest
from snellen.instruments.attacks._norms import L0, L2
from snellen.instruments.attacks._victim import Slope, Victim, negative_margin

DROPPED = 0.3  # of the pixels that are left: given up at once, at first
TRIES = 6  # slopes for each set of pixels
PAST = 1.3  # of what is missing: what a step aims at
LEAST = 0.01  # of the largest score: a step aims at no less
MISSES = 5  # pixels in a row that could not be given up, each alone
EXACT = 1e-3  # levels


def fewest(victim: Victim, originals: Pixels, found: Pixels, confidence: float = 0.0) -> Pixels:
    """Pictures of 8 bits with few changed pixels that reach the goal; ``found`` where there is none.

    As in Carlini and Wagner's L0 attack: the change of least L2 tells which pixels matter least, by slope x change.
    They are put back, and the others are moved on from where they are, along the least change in L2 within the box that
    reaches the linearised boundary, rounded away from the image, as in L0 the size of a change costs nothing. Where
    they do not suffice, half as many are put back, at last one alone, and then the next in turn.

    Args:
        victim: with one goal an image.
        originals: (n, c, h, w) on levels.
        found: (n, c, h, w) of another norm, to start from.
        confidence: how far past the boundary, in units of the scores.
    """
    best, tried = found.clone(), rounded(found, originals, L0())
    count, device = len(originals), originals.device
    rows, left = torch.arange(count, device=device), torch.full((count,), TRIES, device=device)
    worth = torch.zeros_like(originals[:, 0]).flatten(1)
    kept = torch.ones_like(worth, dtype=torch.bool)  # changed in the best picture
    dropped, share = kept.sum(dim=1), torch.full((count,), DROPPED, device=device)
    free = kept.clone()  # may change in the picture that is tried
    misses = torch.zeros_like(dropped)
    while len(rows):
        slope = victim[rows].slope(tried[rows], negative_margin)
        across = clearly(victim.goal[rows], slope.scores, slope.achieved, largest(slope.scores))
        across &= slope.loss >= confidence
        won = rows[across]
        best[won] = tried[won]
        misses[won], change = 0, best[won] - originals[won]
        kept[won], worth[won] = change.any(dim=1).flatten(1), (slope.gradient[across] * change).sum(dim=1).flatten(1)
        left[rows] -= 1
        failed = ~across & (left[rows] == 0)
        share[rows[failed]] /= 2
        alone = rows[failed & (dropped[rows] == 1)]
        misses[alone] += 1
        worth[alone] = worth[alone].masked_fill(kept[alone] & ~free[alone], torch.inf)
        size = kept[rows].sum(dim=1)
        stuck = failed & ((misses[rows] >= size.clamp(max=MISSES)) | free[rows].all(dim=1))
        finished = stuck | (across & (size <= 1))
        going = ~across & ~failed
        tried[rows[going]] = _moved(tried[rows[going]], slope, going, free[rows[going]], confidence)
        again = (across | failed) & ~finished
        now = rows[again]
        dropped[now] = (size[again] * share[now]).long().clamp_min(1)
        free[now] = kept[now] & ~_least(torch.where(kept[now], worth[now], torch.inf), dropped[now])
        tried[now] = torch.where(_over(free[now], originals), best[now], originals[now])
        left[now] = TRIES
        rows = rows[~finished]
    return best


def _moved(tried: Pixels, slope: Slope, going: Bool[Tensor, "m"], free: Bool[Tensor, "n p"], past: float) -> Pixels:
    """The free pixels of some pictures onto the linearised boundary and a little past it, in whole levels."""
    need = torch.maximum(PAST * (past - slope.loss), LEAST * largest(slope.scores))[going]
    step = LEVELS * towards(tried, slope.gradient[going] * _over(free, tried), need, L2())
    return (levels(tried) + step.sign() * (step.abs() - EXACT).ceil()).clamp(0, LEVELS) / LEVELS


def _over(mask: Bool[Tensor, "n p"], pictures: Pixels) -> Bool[Tensor, "n 1 h w"]:
    return mask.view(-1, 1, *pictures.shape[2:])


def _least(worth: Float[Tensor, "n p"], count: Tensor) -> Bool[Tensor, "n p"]:
    """A mask of the ``count`` smallest of each row."""
    order = worth.argsort(dim=1, stable=True)
    rank = torch.arange(order.shape[1], device=order.device).expand_as(order)
    return torch.zeros_like(order, dtype=torch.bool).scatter(1, order, rank < count[:, None])
