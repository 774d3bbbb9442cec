"""Fog: a cloud between the camera and the world."""

from dataclasses import dataclass
from typing import ClassVar

from snellen._shapes import Pixels
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.corruptions._base import Corruption, Setting
from snellen.instruments.corruptions._plasma import plasma


@dataclass(frozen=True)
class Fog(Corruption):
    """A random cloud is added, and all made darker: ``(x + c cloud) m / (m + c)`` with ``m = max x``.

    The cloud is a plasma of the diamond-square algorithm, the same in all channels, an image's own.

    Settings: ``c`` and the decay of the cloud's roughness; on images of up to 64 pixels those of CIFAR-10-C, on larger
    ones ImageNet-C's (see :class:`Corruption`).

    Args:
        severity: 1 to 5.

    Reference: Hendrycks and Dietterich 2019, arXiv 1903.12261.

    >>> import torch
    >>> made = Fog(3)(torch.full((1, 3, 32, 32), 0.5))
    >>> bool((made.amax(dim=1) == made.amin(dim=1)).all()), bool(made.max() <= 0.5 + 1 / 255)
    (True, True)
    """

    small: ClassVar[tuple[Setting, ...]] = ((0.2, 3), (0.5, 3), (0.75, 2.5), (1, 2), (1.5, 1.75))
    large: ClassVar[tuple[Setting, ...]] = ((1.5, 2), (2, 2), (2.5, 1.7), (2.5, 1.5), (3, 1.4))

    def corrupt(self, pixels: Pixels, setting: Setting, draws: Draws) -> Pixels:
        thickness, decay = setting
        height, width = pixels.shape[2:]
        side = 1 << max(height - 1, width - 1, 1).bit_length()
        cloud = plasma(side, decay, draws)[:, None, :height, :width]
        most = pixels.amax(dim=(1, 2, 3), keepdim=True)
        return (pixels + thickness * cloud) * most / (most + thickness)
