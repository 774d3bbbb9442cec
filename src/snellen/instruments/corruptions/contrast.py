"""Contrast: haze, or a screen in the sun."""

from dataclasses import dataclass
from typing import ClassVar

from snellen._shapes import Pixels
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.corruptions._base import Corruption, Setting


@dataclass(frozen=True)
class Contrast(Corruption):
    """Every value moves to the mean of its channel: ``c (x - mean) + mean``.

    Settings: ``c``, the part of the contrast that is left; on images of up to 64 pixels that of CIFAR-10-C, on larger
    ones ImageNet-C's (see :class:`Corruption`).

    Args:
        severity: 1 to 5.

    Reference: Hendrycks and Dietterich 2019, arXiv 1903.12261.

    >>> import torch
    >>> halves = torch.cat([torch.zeros(1, 1, 8, 4), torch.ones(1, 1, 8, 4)], dim=3)
    >>> Contrast(4)(halves)[0, 0, 0, ::7].mul(255).round().tolist()
    [89.0, 166.0]
    """

    small: ClassVar[tuple[Setting, ...]] = ((0.75,), (0.5,), (0.4,), (0.3,), (0.15,))
    large: ClassVar[tuple[Setting, ...]] = ((0.4,), (0.3,), (0.2,), (0.1,), (0.05,))

    def corrupt(self, pixels: Pixels, setting: Setting, draws: Draws) -> Pixels:
        del draws
        mean = pixels.mean(dim=(2, 3), keepdim=True)
        return setting[0] * (pixels - mean) + mean
