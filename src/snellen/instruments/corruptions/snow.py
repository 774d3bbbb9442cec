"""Snow: flakes that fall, and a world that turns white."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from snellen._shapes import Pixels
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.corruptions._base import Corruption, Setting
from snellen.instruments.corruptions._blur import moved, zoomed

LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class Snow(Corruption):
    """Normal noise, enlarged, what lies below a threshold taken away, blurred along the fall: flakes, added twice.

    ``b x + (1 - b) max(x, 1.5 grey(x) + 0.5) + flakes + flakes turned by 180 degrees``. The fall is at an angle of 45
    to 135 degrees, an image's own.

    Settings: mean and standard deviation of the noise, its scale, the threshold, radius and standard deviation of the
    blur in pixels, and ``b``; on images of up to 64 pixels those of CIFAR-10-C, on larger ones ImageNet-C's (see
    :class:`Corruption`).

    Args:
        severity: 1 to 5.

    Reference: Hendrycks and Dietterich 2019, arXiv 1903.12261.

    >>> bool((Snow(1)(torch.full((1, 3, 32, 32), 0.2)) >= 0.2).all())
    True
    """

    small: ClassVar[tuple[Setting, ...]] = (
        (0.1, 0.2, 1, 0.6, 8, 3, 0.95),
        (0.1, 0.2, 1, 0.5, 10, 4, 0.9),
        (0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
        (0.25, 0.3, 2.25, 0.6, 12, 6, 0.85),
        (0.3, 0.3, 1.25, 0.65, 14, 12, 0.8),
    )
    large: ClassVar[tuple[Setting, ...]] = (
        (0.1, 0.3, 3, 0.5, 10, 4, 0.8),
        (0.2, 0.3, 2, 0.5, 12, 4, 0.7),
        (0.55, 0.3, 4, 0.9, 12, 8, 0.7),
        (0.55, 0.3, 4.5, 0.85, 12, 8, 0.65),
        (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55),
    )

    def corrupt(self, pixels: Pixels, setting: Setting, draws: Draws) -> Pixels:
        mean, spread, scale, least, radius, sigma, kept = setting
        count, channels, height, width = pixels.shape
        flakes = zoomed(mean + spread * draws.normal((count, 1, height, width)), scale)
        flakes = flakes.where(flakes >= least, 0).clamp(0, 1)
        flakes = moved(flakes, radius, sigma, -45 - 90 * draws.uniform((count, 1))[:, 0])
        weights = torch.tensor(LUMA if channels == 3 else (1.0,)).view(-1, 1, 1)
        grey = (pixels * weights).sum(dim=1, keepdim=True)
        white = kept * pixels + (1 - kept) * torch.maximum(pixels, 1.5 * grey + 0.5)
        return white + flakes + flakes.flip(2, 3)
