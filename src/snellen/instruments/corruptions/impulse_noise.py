"""Salt and pepper: values that were lost on the way."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from snellen._shapes import Pixels
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.corruptions._base import Corruption, Setting


@dataclass(frozen=True)
class ImpulseNoise(Corruption):
    """A part ``c`` of all values is lost: half of them become 0, half 1, each channel by itself.

    Settings: ``c``; on images of up to 64 pixels that of CIFAR-10-C, on larger ones ImageNet-C's (see
    :class:`Corruption`).

    Args:
        severity: 1 to 5.

    Reference: Hendrycks and Dietterich 2019, arXiv 1903.12261.

    >>> grey = torch.full((1, 3, 64, 64), 0.5)
    >>> 0.04 < float((ImpulseNoise(4)(grey).mul(2).round() != 1).float().mean()) < 0.06
    True
    """

    small: ClassVar[tuple[Setting, ...]] = ((0.01,), (0.02,), (0.03,), (0.05,), (0.07,))
    large: ClassVar[tuple[Setting, ...]] = ((0.03,), (0.06,), (0.09,), (0.17,), (0.27,))

    def corrupt(self, pixels: Pixels, setting: Setting, draws: Draws) -> Pixels:
        lot = draws.uniform(pixels.shape)
        salt = (lot < setting[0] / 2).float()
        return torch.where(lot < setting[0], salt, pixels)
