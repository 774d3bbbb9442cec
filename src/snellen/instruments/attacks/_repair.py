"""An attack that rounding undid, brought back on levels at the least cost."""

import torch
from jaxtyping import Bool
from torch import Tensor

from snellen._shapes import Pixels
from snellen.instruments.attacks._lattice import LEVELS, stretched
from snellen.instruments.attacks._norms import L0, L2, Linf, Norm
from snellen.instruments.attacks._victim import Victim, negative_margin

STRETCHES = (1.0, 1.02, 1.05, 1.1, 1.2, 1.4, 1.8, 2.5, 4.0)
SHARES = (0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0)


def repaired(victim: Victim, made: Pixels, originals: Pixels, files: Pixels, norm: Norm) -> Pixels:
    """Pictures of 8 bits near ``made`` that reach the goal, where some are found; ``files`` where not.

    Without a budget, the change is stretched before it is rounded, a little more each time. Within one, or where that
    did not help, the share of values that matter most is rounded the way the slope points, the smallest first.

    Args:
        victim: with one goal an image.
        made: (n, c, h, w) reach the goal before rounding.
        originals: (n, c, h, w) on levels.
        files: (n, c, h, w) ``made`` on levels; do not reach it.
        norm: of the budget that is kept.
    """
    best, open_ = files.clone(), torch.arange(len(files), device=files.device)
    if not norm.bounded:
        for share in STRETCHES:
            tried = stretched(made[open_], originals[open_], share)
            new = (tried != files[open_]).flatten(1).any(dim=1)
            rows = open_[new]
            still = _kept(victim[rows], tried[new], originals[rows], norm, best, rows)
            open_ = torch.cat([open_[~new], still]).sort().values
            if len(open_) == 0:
                return best
    if victim.differentiable:
        best[open_] = _turned(victim[open_], made[open_], originals[open_], files[open_], norm)
    return best


def _turned(victim: Victim, made: Pixels, originals: Pixels, files: Pixels, norm: Norm) -> Pixels:
    """Each value lies between two levels: those that matter most take the one that the slope prefers."""
    slope = victim.slope(files, negative_margin).gradient
    exact, near = made * LEVELS, files * LEVELS
    up = torch.where(slope > 0, exact.ceil(), exact.floor()).clamp(0, LEVELS)
    other = torch.where(slope == 0, near, up)
    gain = (slope * (other - near)).flatten(1)
    order = gain.argsort(dim=1, descending=True, stable=True)
    rank = torch.empty_like(order).scatter_(
        1, order, torch.arange(order.shape[1], device=order.device).expand_as(order)
    )
    best, open_ = files.clone(), torch.arange(len(files), device=files.device)
    for share in SHARES:
        chosen = (rank[open_] < max(1, int(share * rank.shape[1]))).view_as(near[open_])
        tried = torch.where(chosen, other[open_], near[open_]) / LEVELS
        open_ = _kept(victim[open_], tried, originals[open_], norm, best, open_)
        if len(open_) == 0:
            break
    return best


def _kept(victim: Victim, tried: Pixels, originals: Pixels, norm: Norm, best: Pixels, rows: Tensor) -> Tensor:
    """Note in ``best`` what reaches the goal within the budget; the rows that are still open."""
    if len(rows) == 0:
        return rows
    look = victim.look(tried)
    reached = look.achieved & _fits(tried - originals, norm)
    victim[reached.nonzero()[:, 0]].note(tried[reached], look[reached])
    best[rows[reached]] = tried[reached]
    return rows[~reached]


def _fits(delta: Tensor, norm: Norm) -> Bool[Tensor, "n"]:
    if not norm.bounded:
        return torch.ones(len(delta), dtype=torch.bool, device=delta.device)
    if isinstance(norm, Linf):
        return norm.size(delta) <= norm.radius + 1e-6
    assert isinstance(norm, L2 | L0)
    return norm.size(delta) <= norm.eps * (1 + 1e-9)
