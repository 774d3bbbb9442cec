"""Poisson noise: light comes in pieces, and few of them came."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from scipy.special import pdtr

from snellen._shapes import Pixels
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.attacks._lattice import LEVELS
from snellen.instruments.corruptions._base import Corruption, Setting


@dataclass(frozen=True)
class ShotNoise(Corruption):
    """Every value becomes a count of photons, by ``c`` times its own mean: ``Poisson(c x) / c``.

    Settings: ``c``, the photons of a white pixel; on images of up to 64 pixels those of CIFAR-10-C, on larger ones
    ImageNet-C's (see :class:`Corruption`).

    Args:
        severity: 1 to 5.

    Reference: Hendrycks and Dietterich 2019, arXiv 1903.12261.

    >>> import torch
    >>> bool((ShotNoise(5)(torch.zeros(1, 1, 32, 32)) == 0).all())
    True
    """

    small: ClassVar[tuple[Setting, ...]] = ((500,), (250,), (100,), (75,), (50,))
    large: ClassVar[tuple[Setting, ...]] = ((60,), (25,), (12,), (5,), (3,))

    def corrupt(self, pixels: Pixels, setting: Setting, draws: Draws) -> Pixels:
        (white,) = setting
        chance = draws.uniform(pixels.shape).numpy()
        level = (pixels * LEVELS).round().to(torch.int64).numpy()
        counts = np.zeros(pixels.shape, np.float32)
        order = level.ravel().argsort(kind="stable")
        ends = np.searchsorted(level.ravel()[order], np.arange(LEVELS + 2))
        for shade in range(1, LEVELS + 1):  # the quantile function, once for each of the 256 means there are
            rows = order[ends[shade] : ends[shade + 1]]
            mean = white * shade / LEVELS
            reached = pdtr(np.arange(int(mean + 10 * np.sqrt(mean) + 20)), mean)
            counts.ravel()[rows] = np.searchsorted(reached, chance.ravel()[rows])
        return torch.from_numpy(counts / white)
