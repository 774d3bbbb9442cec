"""Out of focus: every point becomes a disk."""

from dataclasses import dataclass
from typing import ClassVar

from snellen._shapes import Pixels
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.corruptions._base import Corruption, Setting
from snellen.instruments.corruptions._blur import convolved, disk


@dataclass(frozen=True)
class DefocusBlur(Corruption):
    """Each channel is convolved with a disk whose rim is soft.

    Settings: radius of the disk and standard deviation of its rim, in pixels; on images of up to 64 pixels those of
    CIFAR-10-C, on larger ones ImageNet-C's (see :class:`Corruption`).

    Args:
        severity: 1 to 5.

    Reference: Hendrycks and Dietterich 2019, arXiv 1903.12261.

    >>> import torch
    >>> grey = torch.full((1, 3, 32, 32), 100 / 255)
    >>> bool((DefocusBlur(5)(grey) == grey).all())
    True
    """

    small: ClassVar[tuple[Setting, ...]] = ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1))
    large: ClassVar[tuple[Setting, ...]] = ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5))

    def corrupt(self, pixels: Pixels, setting: Setting, draws: Draws) -> Pixels:
        del draws
        return convolved(pixels, disk(*setting))
