"""Brightness: too much light."""

from dataclasses import dataclass
from typing import ClassVar

from snellen._shapes import Pixels
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.corruptions._base import Corruption, Setting


@dataclass(frozen=True)
class Brightness(Corruption):
    """The value of HSV, the largest channel, is raised by ``c`` and stops at 1; hue and saturation stay.

    ``x min(v + c, 1) / v`` with ``v = max over channels of x``; black becomes grey.

    Settings: ``c``; on images of up to 64 pixels that of CIFAR-10-C, on larger ones ImageNet-C's (see
    :class:`Corruption`).

    Args:
        severity: 1 to 5.

    Reference: Hendrycks and Dietterich 2019, arXiv 1903.12261.

    >>> import torch
    >>> round(float(Brightness(2)(torch.full((1, 3, 8, 8), 102 / 255))[0, 0, 0, 0]), 2)
    0.5
    """

    small: ClassVar[tuple[Setting, ...]] = ((0.05,), (0.1,), (0.15,), (0.2,), (0.3,))
    large: ClassVar[tuple[Setting, ...]] = ((0.1,), (0.2,), (0.3,), (0.4,), (0.5,))

    def corrupt(self, pixels: Pixels, setting: Setting, draws: Draws) -> Pixels:
        del draws
        value = pixels.amax(dim=1, keepdim=True)
        raised = (value + setting[0]).clamp(max=1)
        return (pixels * (raised / value.clamp_min(1e-6))).where(value > 0, raised)
