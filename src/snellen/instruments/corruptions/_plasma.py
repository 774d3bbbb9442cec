"""Clouds: a random surface by the diamond-square algorithm."""

import torch
from jaxtyping import Float
from torch import Tensor

from snellen.instruments.attacks._draws import Draws


def plasma(side: int, decay: float, draws: Draws) -> Float[Tensor, "n side side"]:
    """A surface for each stream, from 0 to 1; what leaves it at one side comes in at the other.

    The middle of every square of four known points, and then of every diamond, becomes their mean and a uniform draw,
    whose reach is divided by the square of ``decay`` as squares halve.

    Args:
        side: in points, a power of 2, at least 2.
        decay: the larger, the smoother.
        draws: a stream a surface.

    Reference: Fournier, Fussell and Carpenter 1982, Computer rendering of stochastic models, CACM 25:371-384.
    """
    count = len(draws.state)
    surface = torch.zeros(count, side, side)
    step, reach = side, 1.0
    while step >= 2:
        half = step // 2
        corners = surface[:, ::step, ::step]
        pairs = corners + corners.roll(-1, 1)
        squares = (pairs + pairs.roll(-1, 2)) / 4 + _wobble(corners.shape, reach, draws)
        surface[:, half::step, half::step] = squares
        for axis, other in ((1, 2), (2, 1)):
            means = (squares + squares.roll(1, axis) + corners + corners.roll(-1, other)) / 4
            diamonds = means + _wobble(corners.shape, reach, draws)
            rows, columns = (slice(0, None, step), slice(half, None, step))[:: 1 if axis == 1 else -1]
            surface[:, rows, columns] = diamonds
        step, reach = half, reach / decay**2
    surface -= surface.amin(dim=(1, 2), keepdim=True)
    return surface / surface.amax(dim=(1, 2), keepdim=True).clamp_min(1e-12)


def _wobble(shape: torch.Size, reach: float, draws: Draws) -> Tensor:
    return (2 * draws.uniform(shape) - 1) * reach
