"""Zoom: the camera came nearer while the picture was taken."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from snellen._shapes import Pixels
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.corruptions._base import Corruption, Setting
from snellen.instruments.corruptions._blur import zoomed


@dataclass(frozen=True)
class ZoomBlur(Corruption):
    """The mean of the image and of its middle at one scale after another, from 1.

    Settings: how many scales, and from one to the next; on images of up to 64 pixels those of CIFAR-10-C, on larger
    ones ImageNet-C's (see :class:`Corruption`).

    Args:
        severity: 1 to 5.

    Reference: Hendrycks and Dietterich 2019, arXiv 1903.12261.

    >>> grey = torch.full((1, 3, 32, 32), 100 / 255)
    >>> bool((ZoomBlur(5)(grey) == grey).all())
    True
    """

    small: ClassVar[tuple[Setting, ...]] = ((7, 0.01), (12, 0.01), (16, 0.01), (21, 0.01), (26, 0.01))
    large: ClassVar[tuple[Setting, ...]] = ((12, 0.01), (16, 0.01), (11, 0.02), (13, 0.02), (11, 0.03))

    def corrupt(self, pixels: Pixels, setting: Setting, draws: Draws) -> Pixels:
        del draws
        count, step = int(setting[0]), setting[1]
        copies = [zoomed(pixels, 1 + step * number) for number in range(count)]
        return torch.stack([pixels, *copies]).mean(dim=0)
