"""Normal noise: a sensor in the dark."""

from dataclasses import dataclass
from typing import ClassVar

from snellen._shapes import Pixels
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.corruptions._base import Corruption, Setting


@dataclass(frozen=True)
class GaussianNoise(Corruption):
    """Normal noise is added to every value: ``x + c N(0, 1)``.

    Settings: ``c``, the standard deviation; on images of up to 64 pixels that of CIFAR-10-C, on larger ones
    ImageNet-C's (see :class:`Corruption`).

    Args:
        severity: 1 to 5.

    Reference: Hendrycks and Dietterich 2019, arXiv 1903.12261.

    >>> import torch
    >>> grey = torch.full((1, 1, 32, 32), 0.5)
    >>> 0.07 < float((GaussianNoise(3)(grey) - grey).std()) < 0.09
    True
    """

    small: ClassVar[tuple[Setting, ...]] = ((0.04,), (0.06,), (0.08,), (0.09,), (0.10,))
    large: ClassVar[tuple[Setting, ...]] = ((0.08,), (0.12,), (0.18,), (0.26,), (0.38,))

    def corrupt(self, pixels: Pixels, setting: Setting, draws: Draws) -> Pixels:
        return pixels + setting[0] * draws.normal(pixels.shape)
