"""Motion: the camera moved while the picture was taken."""

from dataclasses import dataclass
from typing import ClassVar

from snellen._shapes import Pixels
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.corruptions._base import Corruption, Setting
from snellen.instruments.corruptions._blur import moved


@dataclass(frozen=True)
class MotionBlur(Corruption):
    """Copies along a line at an angle from -45 to 45 degrees, an image's own, that fade as half a bell.

    Settings: radius and standard deviation in pixels, as ImageMagick's; on images of up to 64 pixels those of
    CIFAR-10-C, on larger ones ImageNet-C's (see :class:`Corruption`).

    Args:
        severity: 1 to 5.

    Reference: Hendrycks and Dietterich 2019, arXiv 1903.12261.

    >>> import torch
    >>> grey = torch.full((1, 3, 32, 32), 100 / 255)
    >>> bool((MotionBlur(5)(grey) == grey).all())
    True
    """

    small: ClassVar[tuple[Setting, ...]] = ((6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5))
    large: ClassVar[tuple[Setting, ...]] = ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15))

    def corrupt(self, pixels: Pixels, setting: Setting, draws: Draws) -> Pixels:
        radius, sigma = setting
        return moved(pixels, radius, sigma, 90 * draws.uniform((len(pixels), 1))[:, 0] - 45)
