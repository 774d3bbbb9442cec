"""Sums of moved copies of an image: blurs along a line, over a disk, and out of the middle."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from snellen._shapes import Pixels


def disk(radius: float, soft: float) -> Float[Tensor, "k k"]:
    """What a point becomes out of focus: a disk with a soft rim. It sums to 1.

    Args:
        radius: in pixels.
        soft: standard deviation of the rim, in pixels; cut off after 1 pixel, or 2 for a radius above 8.
    """
    rim = 1 if radius <= 8 else 2
    reach = math.floor(radius)
    line = torch.arange(-reach, reach + 1, dtype=torch.float64)
    inner = (line[:, None] ** 2 + line**2 <= radius**2).double()
    bell = torch.exp(-0.5 * (torch.arange(-rim, rim + 1, dtype=torch.float64) / soft) ** 2)
    bell = bell[:, None] * bell
    kernel = F.conv2d(inner[None, None], bell[None, None], padding=2 * rim)[0, 0]
    return (kernel / kernel.sum()).float()


def convolved(pixels: Pixels, kernel: Float[Tensor, "k k"]) -> Pixels:
    """Every channel convolved with a kernel of odd side; images go on as in a mirror, without the rim twice."""
    reach = kernel.shape[0] // 2
    rows, columns = (_mirrored(length, reach) for length in pixels.shape[2:])
    around = pixels[:, :, rows][:, :, :, columns].flatten(0, 1)[:, None]
    made: Tensor = F.conv2d(around, kernel[None, None])
    return made.view(pixels.shape)


def moved(pixels: Pixels, radius: float, sigma: float, angles: Float[Tensor, "n"]) -> Pixels:
    """Images that moved while they were taken: half a bell of standard deviation ``sigma`` along a line.

    The ``2 radius + 1`` copies lie on one side, a pixel apart, as those of ImageMagick's ``-motion-blur``; images
    go on as their rim.

    Args:
        pixels: (n, c, h, w).
        radius: in pixels.
        sigma: in pixels.
        angles: (n,) in degrees, from the right downwards.
    """
    steps = torch.arange(2 * math.ceil(radius) + 1, dtype=torch.float64)
    weights = torch.exp(-0.5 * (steps / sigma) ** 2)
    weights /= weights.sum()
    way = torch.deg2rad(angles.double())
    down, right = ((steps * trend[:, None] - 0.5).ceil().long() for trend in (way.sin(), way.cos()))
    height, width = pixels.shape[2:]
    image, channel = torch.arange(len(pixels))[:, None, None, None], torch.arange(pixels.shape[1])[:, None, None]
    total = torch.zeros_like(pixels)
    for step, weight in enumerate(weights.tolist()):
        rows = (torch.arange(height) + down[:, step, None]).clamp(0, height - 1)
        columns = (torch.arange(width) + right[:, step, None]).clamp(0, width - 1)
        total += weight * pixels[image, channel, rows[:, None, :, None], columns[:, None, None]]
    return total


def zoomed(pixels: Pixels, factor: float) -> Pixels:
    """The middle of each image, larger by a factor of at least 1, at the size of the image."""
    sides: Sequence[int] = pixels.shape[2:]
    kept = [math.ceil(side / factor) for side in sides]
    top, left = ((side - part) // 2 for side, part in zip(sides, kept, strict=True))
    middle = pixels[:, :, top : top + kept[0], left : left + kept[1]]
    large = F.interpolate(middle, [round(part * factor) for part in kept], mode="bilinear", align_corners=True)
    top, left = ((new - side) // 2 for side, new in zip(sides, large.shape[2:], strict=True))
    return large[:, :, top : top + sides[0], left : left + sides[1]]


def _mirrored(length: int, reach: int) -> Tensor:
    period = max(2 * (length - 1), 1)
    place = torch.arange(-reach, length + reach) % period
    return torch.minimum(place, period - place)
