"""A VGG for images so small that its adaptive pooling copies pixels: the copies taken out to train, put back to keep.

The poolings of a VGG leave one pixel of a 32 x 32 image; ``avgpool`` spreads it over 7 x 7, and the first linear layer
has 49 weights for each number. They get the same gradient, so a step of an optimizer that takes signs or normalises
(Adam) moves their sum 49 times as far as it was told to: training creeps or breaks, and costs 49 times as much there.
"""

import copy

import torch
from jaxtyping import Float
from torch import Tensor, nn

from snellen.nets.vgg import VGG


def compact(network: VGG, side: tuple[int, int]) -> VGG:
    """A copy that takes the last map as it is: the same function of images of this size, with fewer weights.

    Args:
        network: left as it is.
        side: height and width of its images, in pixels, at least 32. From 224 on nothing is copied, and the result
            is the network.

    >>> from snellen.nets.vgg import vgg
    >>> with torch.device("meta"):
    ...     networks = vgg(11, classes=24), compact(vgg(11, classes=24), (32, 32))
    >>> [network.classifier[0].weight.numel() for network in networks]
    [102760448, 2097152]
    """
    twin = copy.deepcopy(network)
    spread = _spread(side)
    if spread is None:
        return twin
    wide = _first(network)
    narrow = nn.Linear(wide.in_features // len(spread) * spread.shape[1], wide.out_features)
    with torch.no_grad():
        weight = wide.weight.unflatten(1, (-1, len(spread))) @ spread.to(wide.weight)
        narrow.weight.copy_(weight.flatten(1))
        narrow.bias.copy_(wide.bias)
    twin.avgpool, twin.classifier[0] = nn.Identity(), narrow  # type: ignore[assignment]
    return twin.train(network.training)


def restored(network: VGG, side: tuple[int, int]) -> VGG:
    """The network that :func:`compact` was called on, with the weights the compact one has now.

    Of all weights that give the same function the shortest are taken: every copy of a pixel counts alike.
    """
    twin = copy.deepcopy(network)
    spread = _spread(side)
    if spread is None:
        return twin
    narrow = _first(network)
    wide = nn.Linear(narrow.in_features // spread.shape[1] * len(spread), narrow.out_features)
    with torch.no_grad():
        back = torch.linalg.pinv(spread).to(narrow.weight)
        weight = narrow.weight.unflatten(1, (-1, spread.shape[1])) @ back
        wide.weight.copy_(weight.flatten(1))
        wide.bias.copy_(narrow.bias)
    twin.avgpool, twin.classifier[0] = nn.AdaptiveAvgPool2d((7, 7)), wide
    return twin.train(network.training)


def _first(network: VGG) -> nn.Linear:
    first = network.classifier[0]
    assert isinstance(first, nn.Linear)
    return first


def _spread(side: tuple[int, int]) -> Float[Tensor, "cells pixels"] | None:
    """What the adaptive pooling does to a map of this size, as a matrix; None where it makes no map larger."""
    height, width = (length // 32 for length in side)
    if height > 6 or width > 6:
        return None
    pixels = torch.eye(height * width, dtype=torch.float64).view(-1, 1, height, width)
    spread: Tensor = nn.AdaptiveAvgPool2d((7, 7))(pixels).flatten(1).T
    return spread
