"""A plain convolution network that begins with whitened patches: accurate on small images for little arithmetic."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from snellen._errors import ImagesError, UsageError

SCALE = 1 / 9
"""The scores are multiplied by this, so that training begins unsure of itself."""
FLOOR = 5e-4
"""Added to the variance of each direction of the patches: directions that hardly vary are not blown up."""
BIAS = 8
"""Shifts are kept at one part in so many of their size, so that SGD moves them the square of it as fast."""


class Airbench(nn.Module):
    """Whitened 2 x 2 patches, three blocks that halve the image, the largest value of each map, one linear layer.

    The network of cifar10-airbench. Its first layer turns each 2 x 2 patch into coordinates that are uncorrelated and
    of variance 1 over the training images, each with both signs; it is set by :meth:`whiten` and never trained. Every
    convolution begins as the identity on its first channels (Dirac), BatchNorm has a shift and no scale, and the
    shifts learn 64 times as fast under SGD. Every operation is a module of its own, so hooks reach it.

    Args:
        classes: scores that come out.
        channels: of the pixels that go in.
        widths: channels of the three blocks.

    Raises:
        UsageError: not three widths, a size below 1.

    Reference: Jordan 2024, 94% on CIFAR-10 in 3.29 Seconds on a Single GPU, arXiv 2404.00498.

    >>> Airbench(widths=(8, 16, 16))(torch.rand(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(self, *, classes: int = 10, channels: int = 3, widths: Sequence[int] = (64, 256, 256)) -> None:
        super().__init__()
        if len(widths) != 3 or min(classes, channels, *widths) < 1:
            raise UsageError(
                "Airbench needs three widths and sizes of at least 1, got "
                f"widths={tuple(widths)}, classes={classes}, channels={channels}"
            )
        coordinates = 4 * channels
        self.whitening = nn.Conv2d(channels, 2 * coordinates, 2)
        self.whitening.weight.requires_grad_(False)
        nn.init.zeros_(self.whitening.bias)  # type: ignore[arg-type]
        first, second, third = widths
        self.features = nn.Sequential(
            nn.GELU(), *_block(2 * coordinates, first), *_block(first, second), *_block(second, third)
        )
        self.largest = nn.AdaptiveMaxPool2d(1)
        self.head = nn.Linear(third, classes, bias=False)

    def whiten(self, images: Tensor) -> None:
        """Set the first layer by the 2 x 2 patches of these images.

        Args:
            images: (n, c, h, w), normalised as those that are trained on.

        Raises:
            ImagesError: no patch in them.
        """
        if len(images) == 0 or min(images.shape[2:]) < 2:
            raise ImagesError(f"whitening needs images of at least 2 x 2 pixels, got a shape of {tuple(images.shape)}")
        size = self.whitening.weight[0].numel()
        patches = F.unfold(images, 2).transpose(1, 2).reshape(-1, size).double()
        variances, directions = torch.linalg.eigh(patches.T @ patches / len(patches))
        rows = (directions / (variances + FLOOR).sqrt()).T.flip(0).view(size, *self.whitening.weight.shape[1:])
        with torch.no_grad():
            self.whitening.weight.copy_(torch.cat([rows, -rows]))

    def forward(self, images: Tensor) -> Tensor:
        """Scores (n, k) of normalised images (n, c, h, w), h and w at least 9."""
        scores: Tensor = self.head(self.largest(self.features(self.whitening(images))).flatten(1))
        return scores * SCALE


class _Shift(nn.Module):
    """A learned number added to each channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, maps: Tensor) -> Tensor:
        return maps + (BIAS * self.bias).to(maps.dtype).view(-1, 1, 1)


def _block(inside: int, outside: int) -> list[nn.Module]:
    return [
        _convolution(inside, outside),
        nn.MaxPool2d(2),
        *_normalised(outside),
        _convolution(outside, outside),
        *_normalised(outside),
    ]


def _normalised(width: int) -> tuple[nn.Module, nn.Module, nn.Module]:
    return nn.BatchNorm2d(width, momentum=0.4, affine=False), _Shift(width), nn.GELU()


def _convolution(inside: int, outside: int) -> nn.Conv2d:
    made = nn.Conv2d(inside, outside, 3, padding=1, bias=False)
    nn.init.dirac_(made.weight[: min(inside, outside)])
    return made
