"""Pictures for the corruptions: smooth ones with some detail, as photographs are, on levels of 8 bits."""

import torch
from torch import Tensor
from torch.nn import functional as F

from snellen.instruments.attacks._draws import Draws


def photos(count: int = 3, height: int = 32, width: int = 32, channels: int = 3, seed: int = 0) -> Tensor:
    """(count, channels, height, width), each a sum of random pictures of several sizes."""
    generator = torch.Generator().manual_seed(seed)
    whole = torch.zeros(count, channels, height, width)
    for size, weight in ((3, 0.5), (8, 0.3), (24, 0.2)):
        coarse = torch.rand(count, channels, size, size, generator=generator)
        whole += weight * F.interpolate(coarse, (height, width), mode="bilinear", align_corners=False)
    return (whole * 255).round() / 255


def streams(pixels: Tensor, seed: int = 0) -> Draws:
    """The random numbers that a corruption of these pictures draws."""
    return Draws.of((pixels * 255).round().byte(), seed)
