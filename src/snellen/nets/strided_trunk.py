"""A trunk that halves the image at every stage by its convolutions: little arithmetic where the maps are large."""

from collections.abc import Sequence

from torch import Tensor, nn

from snellen._errors import UsageError


class StridedTrunk(nn.Module):
    """A stage a width: a 3 x 3 convolution of stride 2 and one of stride 1, each with BatchNorm and ReLU.

    The last map has a cell for every 2 ** len(widths) pixels. A pooling trunk spends most of its arithmetic on the
    full image; this one never sees it whole: 34 million multiply-adds for 80 x 80 pixels and three stages.

    Args:
        channels: of the pixels that go in.
        widths: channels of each stage.

    Raises:
        UsageError: no stage, a size below 1.

    >>> import torch
    >>> StridedTrunk(widths=(8, 16))(torch.rand(2, 3, 32, 32)).shape
    torch.Size([2, 16, 8, 8])
    """

    def __init__(self, *, channels: int = 3, widths: Sequence[int] = (24, 48, 96)) -> None:
        super().__init__()
        if not widths or min(channels, *widths) < 1:
            raise UsageError(
                f"StridedTrunk needs a stage and sizes of at least 1, got channels={channels}, widths={tuple(widths)}"
            )
        layers: list[nn.Module] = []
        for width in widths:
            layers += [*_convolution(channels, width, 2), *_convolution(width, width, 1)]
            channels = width
        self.features = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        """The last map (n, c, h / 2 ** stages, w / 2 ** stages) of normalised images (n, channels, h, w)."""
        maps: Tensor = self.features(images)
        return maps


def _convolution(inside: int, outside: int, stride: int) -> tuple[nn.Module, nn.Module, nn.Module]:
    convolution = nn.Conv2d(inside, outside, 3, stride=stride, padding=1, bias=False)
    return convolution, nn.BatchNorm2d(outside), nn.ReLU()
