"""The part of a classifier that sees: its stages up to a cell of so many pixels, for another head to be put on."""

from collections.abc import Callable, Mapping
from functools import partial
from itertools import accumulate
from operator import mul
from types import MappingProxyType
from typing import Any

from torch import Tensor, nn

from snellen._errors import UsageError, unknown
from snellen.nets.resnet9 import ResNet9
from snellen.nets.small_vgg import SmallVGG
from snellen.nets.strided_trunk import StridedTrunk
from snellen.nets.vgg import CONVOLUTIONS, VGGS, vgg_features


def _features(network: Callable[..., nn.Module], **settings: Any) -> nn.Sequential:
    features: nn.Sequential = network(**settings).features  # type: ignore[assignment]
    return features


def _vgg_features(depth: int, batch_norm: bool, **_head: Any) -> nn.Sequential:
    """Without the head of a VGG: it has 124 million weights that nobody asks for here."""
    return vgg_features(CONVOLUTIONS[depth], batch_norm=batch_norm)


TRUNKS: Mapping[str, Callable[..., nn.Sequential]] = MappingProxyType(
    {
        "strided": partial(_features, StridedTrunk),
        "small_vgg": partial(_features, SmallVGG),
        "resnet9": partial(_features, ResNet9),
        **{name: partial(_vgg_features, int(name[3:5]), name.endswith("_bn")) for name in VGGS},
    }
)
"""Kind -> what builds the layers that can be cut, from the settings of the whole network."""


class Trunk(nn.Module):
    """The first layers of a network of ours, as many as a cell of so many pixels allows, pooling taken last.

    Args:
        kind: one of :data:`TRUNKS`.
        settings: what the kind is built with, as the file of a trained classifier says; its number of classes does not
            matter.
        cell: pixels of the image to one of the last map, at most; all layers if None.

    Attributes:
        width: channels of the last map.
        cell: pixels of the image to one of the last map.
        channels: of the pixels that go in.

    Raises:
        UsageError: an unknown kind, a first stage that is coarser than the cell.

    >>> import torch
    >>> trunk = Trunk("small_vgg", {"widths": [8, 16, 32]}, cell=4)
    >>> trunk(torch.rand(1, 1, 32, 32)).shape
    torch.Size([1, 32, 8, 8])
    """

    def __init__(self, kind: str, settings: Mapping[str, Any], *, cell: int | None = None) -> None:
        super().__init__()
        if kind not in TRUNKS:
            raise unknown("trunk", kind, TRUNKS)
        features = TRUNKS[kind](**settings)
        cells = list(accumulate((_stride(layer) for layer in features), mul))
        kept = [n for n, found in enumerate(cells, 1) if cell is None or found <= cell]
        if not kept:
            raise UsageError(f"the first stage of {kind} has cells of {cells[0]} pixels, got cell={cell}")
        self.features = features[: kept[-1]]
        self.features.apply(_fresh)
        convolutions = [layer for layer in self.features.modules() if isinstance(layer, nn.Conv2d)]
        self.channels, self.width, self.cell = (
            convolutions[0].in_channels,
            convolutions[-1].out_channels,
            cells[kept[-1] - 1],
        )

    def forward(self, images: Tensor) -> Tensor:
        """The last map (n, width, h / cell, w / cell) of normalised images (n, channels, h, w)."""
        maps: Tensor = self.features(images)
        return maps


def _stride(layer: nn.Module) -> int:
    """Pixels of what goes into a layer to one of what comes out: none of ours branches around a stride."""
    found = 1
    for inner in layer.modules():
        if isinstance(inner, nn.Conv2d | nn.MaxPool2d):
            stride = inner.stride
            found *= int(stride if isinstance(stride, int) else stride[0])
    return found


def _fresh(module: nn.Module) -> None:
    """Random weights: He's for convolutions, which the depth needs, 1 and 0 for BatchNorm."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d):
        module.reset_parameters()
