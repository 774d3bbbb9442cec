"""The VGG networks 11, 13, 16 and 19, with and without batch normalisation."""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

import torch
from torch import Tensor, nn

from snellen._errors import UsageError

WIDTHS = (64, 128, 256, 512, 512)
CONVOLUTIONS: Mapping[int, tuple[int, ...]] = MappingProxyType(
    {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
)
"""For each depth, the 3 x 3 convolutions before each of the five poolings (the paper's table 1)."""


class VGG(nn.Module):
    """Stages of 3 x 3 convolutions with ReLU, a 2 x 2 max pooling after each, then three linear layers.

    The submodules have the names of the published checkpoints: ``features.N``, ``avgpool``,
    ``classifier.0/3/6``. The adaptive pooling to 7 x 7 is the identity at the paper's 224 x 224 and lets
    other sizes in, from 32 on.

    Args:
        stages: the number of convolutions of each of the five stages.
        batch_norm: put a BatchNorm2d between every convolution and its ReLU.
        classes: the number of scores.
        dropout: the rate of both dropout layers.

    Reference: Simonyan & Zisserman 2015, arXiv 1409.1556.

    >>> with torch.device("meta"):  # shapes without numbers
    ...     VGG((1, 1, 1, 1, 1), classes=10)(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        stages: tuple[int, ...],
        *,
        batch_norm: bool = False,
        classes: int = 1000,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        self.features = vgg_features(stages, batch_norm=batch_norm)
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(
            nn.Linear(WIDTHS[-1] * 7 * 7, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(4096, classes),
        )
        self.apply(_initialise)

    def forward(self, pixels: Tensor) -> Tensor:
        """The scores (n, classes) of normalised pixels (n, 3, h, w), h and w at least 32."""
        pooled = self.avgpool(self.features(pixels))
        scores: Tensor = self.classifier(torch.flatten(pooled, 1))
        return scores


def vgg_features(stages: tuple[int, ...], *, batch_norm: bool = False) -> nn.Sequential:
    """The five stages alone: all of a VGG but its linear layers, which hold most of the weights.

    >>> len(vgg_features((1, 1, 1, 1, 1)))
    15
    """
    layers: list[nn.Module] = []
    channels = 3
    for width, convolutions in zip(WIDTHS, stages, strict=True):
        for _ in range(convolutions):
            layers.append(nn.Conv2d(channels, width, 3, padding=1))
            if batch_norm:
                layers.append(nn.BatchNorm2d(width))
            layers.append(nn.ReLU(inplace=True))
            channels = width
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers)


def _initialise(module: nn.Module) -> None:
    """He's initialisation for the convolutions (the depth needs it), N(0, 0.01) for the linear layers."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    elif isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, 0.0, 0.01)
    if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)


def vgg(depth: int, *, batch_norm: bool = False, classes: int = 1000, dropout: float = 0.5) -> VGG:
    """The VGG network with this many layers of weights.

    Args:
        depth: 11, 13, 16 or 19 (configurations A, B, D and E of the paper).
        batch_norm: put a BatchNorm2d between every convolution and its ReLU (not in the paper, usual since).
        classes: the number of scores, at least 2.
        dropout: the rate of both dropout layers, in [0, 1).

    Raises:
        UsageError: a depth, a number of classes or a rate out of range.

    Reference: Simonyan & Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition, 2015,
    arXiv 1409.1556.

    >>> with torch.device("meta"):
    ...     vgg(11, classes=10)(torch.zeros(1, 3, 64, 64)).shape
    torch.Size([1, 10])
    """
    if depth not in CONVOLUTIONS:
        raise UsageError(f"depth must be one of {', '.join(map(str, CONVOLUTIONS))}, got {depth}")
    if classes < 2:
        raise UsageError(f"classes must be at least 2, got {classes}")
    if not 0 <= dropout < 1:
        raise UsageError(f"dropout must be in [0, 1), got {dropout}")
    return VGG(CONVOLUTIONS[depth], batch_norm=batch_norm, classes=classes, dropout=dropout)


VGGS: Mapping[str, Callable[..., VGG]] = MappingProxyType(
    {
        f"vgg{depth}{'_bn' if batch_norm else ''}": partial(vgg, depth, batch_norm=batch_norm)
        for depth in CONVOLUTIONS
        for batch_norm in (False, True)
    }
)
"""Name -> what builds it: ``VGGS["vgg16_bn"]()``; the other arguments of :func:`vgg` can be given."""
