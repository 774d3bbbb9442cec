"""Baseline 0, no training: pieces that fit at their edges."""

import torch
from jaxtyping import Float
from torch import Tensor

from snellen.nets.deshuffler import Scores

SHARPNESS = 3.0
"""How much more a fit counts than one that is worse by the mean cost; chosen on puzzles with known permutations."""
REACH = 0.5
"""Pixels that an edge is extrapolated outwards: to the seam, half-way to the neighbour's first pixel."""


def edge_scores(pieces: Float[Tensor, "n m c h w"]) -> Scores:
    """How well each pair of pieces continues across a common seam, from the two pixels nearest to it alone.

    Each side's last row is extrapolated half a pixel, to the seam, and compared with the other's (mean absolute
    difference; the prediction of Pomeranz et al.). A cost means little by itself (smooth pieces fit everywhere), so
    it is judged against its rivals: the score is the log softmax of -3 cost / mean cost over all right neighbours of
    i plus that over all left neighbours of j. Nothing is known of places. Pieces that are all alike score alike.

    Args:
        pieces: (n, m, c, h, w) pixels in [0, 1]; a side of one pixel is compared as it is.

    Reference: Gallagher 2012, Jigsaw puzzles with pieces of unknown orientation; Pomeranz, Shemesh and
    Ben-Shahar 2011, A fully automated greedy square jigsaw puzzle solver.

    >>> edge_scores(torch.rand(5, 4, 3, 16, 16)).beside.shape
    torch.Size([5, 4, 4])
    """
    pieces = pieces.float()
    upright, level = min(1, pieces.shape[-1] - 1), min(1, pieces.shape[-2] - 1)
    left = _seam(pieces[..., :, 0], pieces[..., :, upright])
    right = _seam(pieces[..., :, -1], pieces[..., :, -1 - upright])
    top = _seam(pieces[..., 0, :], pieces[..., level, :])
    bottom = _seam(pieces[..., -1, :], pieces[..., -1 - level, :])
    beside, above = _judged(right, left), _judged(bottom, top)
    return Scores(beside, above, torch.zeros_like(beside))


def _seam(last: Tensor, before: Tensor) -> Tensor:
    """(n, m, c, length) -> (n, m, c * length), further out."""
    return ((1 + REACH) * last - REACH * before).flatten(2)


def _judged(one: Tensor, other: Tensor) -> Float[Tensor, "n m m"]:
    """(n, m, length) of one side of every piece and of the side that would touch it -> log softmax both ways."""
    cost = torch.cdist(one, other, p=1) / one.shape[-1]
    own = torch.eye(cost.shape[-1], dtype=torch.bool, device=cost.device)
    scale = cost.masked_fill(own, 0).sum((1, 2), keepdim=True) / max(int((~own).sum()), 1)
    fit = (-SHARPNESS * cost / scale.clamp_min(1e-9)).masked_fill(own, -torch.inf)
    both = fit.log_softmax(dim=2) + fit.log_softmax(dim=1)
    return both.masked_fill(own, 0.0)
