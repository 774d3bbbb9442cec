"""A residual network of nine layers of weights, made to learn small images fast."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from snellen._errors import UsageError

SCALE = 0.125
"""The scores are multiplied by this, so that training begins unsure of itself."""


class ResNet9(nn.Module):
    """A first convolution, three stages that halve the image, a residual pair in the first and the last, one linear.

    The network of David Page's DAWNBench entry (94 % on CIFAR-10 in 24 epochs, says its author): every 3 x 3
    convolution is without bias and followed by BatchNorm and ReLU, every stage ends with a 2 x 2 max pooling, and the
    largest value of each map is what the linear layer sees. Every operation is a module of its own, so hooks reach
    it; no ReLU works in place.

    Args:
        classes: scores that come out.
        channels: of the pixels that go in.
        widths: channels after the first convolution and after each of the three stages; (64, 128, 256, 512) in the
            source. Half of them cost a quarter of the arithmetic.
        dropout: rate before the linear layer; none in the source.

    Raises:
        UsageError: not four widths, a size below 1, a rate outside [0, 1).

    Reference: Page 2018, How to train your ResNet, myrtle.ai; residual pairs as in He et al. 2016, arXiv 1512.03385.

    >>> ResNet9(widths=(4, 8, 8, 16))(torch.rand(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        *,
        classes: int = 10,
        channels: int = 3,
        widths: Sequence[int] = (64, 128, 256, 512),
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if len(widths) != 4 or min(classes, channels, *widths) < 1 or not 0 <= dropout < 1:
            raise UsageError(
                "ResNet9 needs four widths, sizes of at least 1 and a dropout in [0, 1), got "
                f"widths={tuple(widths)}, classes={classes}, channels={channels}, dropout={dropout}"
            )
        first, one, two, three = widths
        self.features = nn.Sequential(
            _Convolution(channels, first),
            _Convolution(first, one, pool=True),
            _Residual(one),
            _Convolution(one, two, pool=True),
            _Convolution(two, three, pool=True),
            _Residual(three),
        )
        self.largest = nn.AdaptiveMaxPool2d(1)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(three, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Scores (n, k) of normalised images (n, c, h, w), h and w at least 8."""
        scores: Tensor = self.head(self.dropout(self.largest(self.features(images)).flatten(1)))
        return scores * SCALE


class _Convolution(nn.Sequential):
    """3 x 3, BatchNorm, ReLU, and a pooling before these two, where they cost a quarter, if asked for."""

    def __init__(self, inside: int, outside: int, *, pool: bool = False) -> None:
        layers: list[nn.Module] = [nn.Conv2d(inside, outside, 3, padding=1, bias=False)]
        if pool:
            layers.append(nn.MaxPool2d(2))
        super().__init__(*layers, nn.BatchNorm2d(outside), nn.ReLU())


class _Residual(nn.Module):
    """What goes in, plus two convolutions of it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(_Convolution(width, width), _Convolution(width, width))

    def forward(self, maps: Tensor) -> Tensor:
        return maps + torch.as_tensor(self.branch(maps))
