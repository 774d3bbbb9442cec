"""What every corruption shares: five severities, pictures of 8 bits, and random numbers that belong to an image."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, final

import torch

from snellen._errors import UsageError
from snellen._shapes import Pixels
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.attacks._lattice import LEVELS, levels

SEVERITIES = 5
SMALL = 64
"""Images whose shorter side has at most so many pixels are corrupted as those of CIFAR-10-C."""
Setting = tuple[float, ...]


@dataclass(frozen=True)
class Corruption(ABC):
    """Corrupts images as Hendrycks and Dietterich do. A corruption writes :meth:`corrupt`.

    What is mild for a photograph destroys an image of 32 pixels, so that the benchmark has two tables of severities:
    those of its ``make_cifar_c.py`` for images of 32 pixels, ``small`` here, taken for a shorter side of up to 64; and
    those of ``make_imagenet_c.py`` for images of 224, ``large``, taken for all others. Results by one table are not to
    be compared with results by the other.

    Args:
        severity: 1 to 5.

    Raises:
        UsageError: another severity.

    Reference: Hendrycks and Dietterich 2019, Benchmarking Neural Network Robustness to Common Corruptions and
    Perturbations, arXiv 1903.12261; the numbers: github.com/hendrycks/robustness, ImageNet-C/create_c.
    """

    severity: int = 3
    small: ClassVar[tuple[Setting, ...]]
    """One setting a severity, for images of about 32 pixels."""
    large: ClassVar[tuple[Setting, ...]]
    """One setting a severity, for images of about 224 pixels."""

    def __post_init__(self) -> None:
        if self.severity not in range(1, SEVERITIES + 1):
            raise UsageError(f"a severity is 1, 2, 3, 4 or 5, got {self.severity!r}")

    @final
    def __call__(self, pixels: Pixels, *, seed: int = 0) -> Pixels:
        """The images corrupted, as pictures of 8 bits (multiples of 1/255) on their own device.

        Args:
            pixels: (n, c, h, w) float in [0, 1], RGB or grey.
            seed: the same seed gives the same result; an image's does not depend on its batch mates.

        Raises:
            UsageError: pixels outside [0, 1] or of another shape.
        """
        shown = levels(checked(pixels).detach().cpu())
        made = self.corrupt(shown / LEVELS, self.setting(*shown.shape[2:]), Draws.of(shown.byte(), seed))
        return (levels(made) / LEVELS).to(pixels.device)

    @final
    def setting(self, height: int, width: int) -> Setting:
        """The numbers of this severity, for images of this size."""
        return (self.small if min(height, width) <= SMALL else self.large)[self.severity - 1]

    @abstractmethod
    def corrupt(self, pixels: Pixels, setting: Setting, draws: Draws) -> Pixels:
        """The images corrupted; values may leave [0, 1].

        Args:
            pixels: (n, c, h, w) on levels, float32, on the CPU.
            setting: of the severity.
            draws: a stream of random numbers an image.
        """


def checked(pixels: object) -> Pixels:
    """Pixels that can be corrupted."""
    if not isinstance(pixels, torch.Tensor) or pixels.ndim != 4 or not pixels.is_floating_point() or not len(pixels):
        got = (
            f"{pixels.dtype} of shape {tuple(pixels.shape)}"
            if isinstance(pixels, torch.Tensor)
            else type(pixels).__name__
        )
        raise UsageError(f"pixels must be a float tensor (n, c, h, w) in [0, 1] with n >= 1, got {got}")
    low, high = float(pixels.min()), float(pixels.max())
    if pixels.shape[1] not in (1, 3) or not (low >= -0.01 and high <= 1.01):
        raise UsageError(
            f"pixels must have 1 or 3 channels and lie in [0, 1], got {pixels.shape[1]} channels from {low:.4g} to "
            f"{high:.4g}"
        )
    return pixels
