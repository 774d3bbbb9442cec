"""The nearest point of a hyperplane within the box of all pictures."""

import torch
from jaxtyping import Float
from torch import Tensor

from snellen._shapes import Pixels
from snellen.instruments.attacks._norms import TINY, Linf, Norm

EXACT = 1e-9  # of what is needed


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
    start, slope = points.flatten(1).double(), normal.flatten(1).double() * need.sign()[:, None]
    scale = slope.abs().amax(dim=1, keepdim=True)
    slope = slope / torch.where(scale > 0, scale, 1)
    slope = torch.where(slope.abs() > TINY, slope, 0)
    weight, need = slope.abs(), need.abs().double() / torch.where(scale > 0, scale, 1)[:, 0]
    room = torch.where(slope > 0, 1 - start, start) * (slope != 0)
    speed = (slope != 0).double() if isinstance(norm, Linf) else weight
    power = weight * speed
    time, left, rate = torch.zeros_like(need), need, power.sum(dim=1)
    while True:
        going = (left > EXACT * need) & (rate > 0)
        if not going.any():
            break
        # the gain is concave in the time: a tangent never goes too far, and each passes at least one end
        time = torch.where(going, time + left / torch.where(going, rate, 1), time)
        reach = time[:, None] * speed
        left = need - (weight * torch.minimum(reach, room)).sum(dim=1)
        rate = (power * (reach < room)).sum(dim=1)
    change = slope.sign() * torch.minimum(time[:, None] * speed, room)
    return change.to(points.dtype).view_as(points)
