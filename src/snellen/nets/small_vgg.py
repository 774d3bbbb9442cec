"""A VGG small enough to ship: 138,266 parameters for one channel of 32 x 32 and ten classes."""

from collections.abc import Sequence

from torch import Tensor, nn

from snellen._errors import UsageError


class SmallVGG(nn.Module):
    """Blocks of two 3 x 3 convolutions and a max pool, then a classifier of two layers.

    As in VGG there are ``features`` and a ``classifier``; convolutions have no bias, for BatchNorm follows.
    Every operation is a module of its own, so hooks reach it; no ReLU works in place. Dropout sits in the
    classifier only: Monte Carlo dropout computes ``features`` once and samples what is behind it.

    Args:
        channels: of the pixels that go in.
        classes: scores that come out.
        side: height and width of the input in pixels; a multiple of 2 ** len(widths).
        widths: channels of each block.
        hidden: units between the two layers of the classifier.
        dropout: probability of dropping one of them while training.

    Raises:
        UsageError: a side that the pools do not divide, a size below 1.

    Reference: Simonyan and Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition,
    https://arxiv.org/abs/1409.1556; BatchNorm as in Ioffe and Szegedy, https://arxiv.org/abs/1502.03167.

    >>> import torch
    >>> SmallVGG()(torch.rand(2, 1, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        *,
        channels: int = 1,
        classes: int = 10,
        side: int = 32,
        widths: Sequence[int] = (16, 32, 64),
        hidden: int = 64,
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        if not widths or min(channels, classes, side, hidden, *widths) < 1:
            raise UsageError(
                f"SmallVGG needs at least one block and sizes of at least 1, got channels={channels}, "
                f"classes={classes}, side={side}, widths={tuple(widths)}, hidden={hidden}"
            )
        if side % 2 ** len(widths):
            raise UsageError(f"side must be a multiple of {2 ** len(widths)}, one pool a block, got {side}")
        layers: list[nn.Module] = []
        for width in widths:
            layers += [*_convolution(channels, width), *_convolution(width, width), nn.MaxPool2d(2)]
            channels = width
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(channels * (side // 2 ** len(widths)) ** 2, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Scores (n, k) of normalised images (n, c, side, side)."""
        scores: Tensor = self.classifier(self.features(images))
        return scores


def _convolution(inside: int, outside: int) -> tuple[nn.Module, nn.Module, nn.Module]:
    return nn.Conv2d(inside, outside, 3, padding=1, bias=False), nn.BatchNorm2d(outside), nn.ReLU()
