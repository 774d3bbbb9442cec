"""The nearest point of a hyperplane within the box of all pictures."""

import torch
from jaxtyping import Float
from torch import Tensor

from snellen._shapes import Pixels
from snellen.instruments.attacks._norms import TINY, Linf, Norm

EXACT = 1e-5  # of what is needed


def towards(points: Pixels, normal: Pixels, need: Float[Tensor, "n"], norm: Norm) -> Pixels:
    """The smallest change d of each point with ``normal . d = need`` and ``0 <= point + d <= 1``.

    Every value goes the way of its normal, in Linf at one speed, in L2 as fast as its normal is large, until it
    meets the side of the box. The gain is then piecewise linear and concave in the time, and its time is found exactly
    by Newton's method. Where the box does not reach the hyperplane, the change ends in the corner that comes nearest.

    Args:
        points: (n, c, h, w) in [0, 1].
        normal: (n, c, h, w); where all of it is 0, nothing changes.
        need: (n,), of either sign.
        norm: Linf or L2: what is smallest.

    >>> from snellen.instruments.attacks._norms import L2
    >>> point, normal = torch.full((1, 1, 1, 2), 0.5), torch.tensor([3.0, 4.0]).view(1, 1, 1, 2)
    >>> towards(point, normal, torch.tensor([0.5]), L2()).flatten()
    tensor([0.0600, 0.0800])
    """
    start, slope = points.flatten(1).float(), normal.flatten(1).float() * need.sign()[:, None]
    room = torch.where(slope > 0, 1 - start, start)
    slope = torch.where(room > 0, slope, 0)
    scale = slope.abs().amax(dim=1, keepdim=True)
    slope = slope / torch.where(scale > 0, scale, 1)
    slope = torch.where(slope.abs() > TINY, slope, 0)
    weight, need = slope.abs(), need.abs().float() / torch.where(scale > 0, scale, 1)[:, 0]
    speed = (slope != 0).float() if isinstance(norm, Linf) else weight
    time, rows = torch.zeros_like(need), torch.arange(len(need), device=need.device)
    left, power, lasting = need, weight * speed, room.clone()
    rate = power.sum(dim=1)
    while True:
        # the gain is concave in the time: a tangent never goes too far, and each passes at least one end
        later = time[rows] + left / rate
        going = (left > EXACT * need[rows]) & (rate > 0) & (later > time[rows])
        if not going.any():
            break
        rows, left, rate, power, lasting = (v if going.all() else v[going] for v in (rows, left, rate, power, lasting))
        time[rows] = later[going]
        reach = time[rows, None] * speed[rows]
        left = need[rows] - (weight[rows] * torch.minimum(reach, lasting)).sum(dim=1)
        rate = (power * (reach < lasting)).sum(dim=1)
    change = slope.sign() * torch.minimum(time[:, None] * speed, room)
    return change.to(points.dtype).view_as(points)
