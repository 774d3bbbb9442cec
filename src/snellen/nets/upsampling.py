"""Four ways to double the height and width of a map."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import nn

from snellen._errors import unknown


def _resized(mode: str) -> Callable[[int, int], nn.Module]:
    def made(inside: int, outside: int) -> nn.Module:
        larger = nn.Upsample(scale_factor=2, mode=mode, align_corners=None if mode == "nearest" else False)
        return nn.Sequential(larger, nn.Conv2d(inside, outside, 3, padding=1, bias=False))

    return made


def _transposed(inside: int, outside: int) -> nn.Module:
    return nn.Sequential(nn.ConvTranspose2d(inside, outside, 4, stride=2, padding=1, bias=False))


def _shuffled(inside: int, outside: int) -> nn.Module:
    convolution = nn.Conv2d(inside, 4 * outside, 3, padding=1, bias=False)
    with torch.no_grad():
        convolution.weight.copy_(convolution.weight[::4].repeat_interleave(4, dim=0))
    return nn.Sequential(convolution, nn.PixelShuffle(2))


UPSAMPLINGS: Mapping[str, Callable[[int, int], nn.Module]] = MappingProxyType(
    {
        "nearest": _resized("nearest"),
        "bilinear": _resized("bilinear"),
        "transposed": _transposed,
        "pixelshuffle": _shuffled,
    }
)
"""Name -> what builds it, from channels that come in and go out."""


def upsampling(name: str, inside: int, outside: int) -> nn.Module:
    """Maps (n, inside, h, w) to (n, outside, 2h, 2w), learned, without biases.

    ``nearest`` and ``bilinear`` enlarge by a fixed rule and then convolve (kernel 3, stride 1, padding 1).
    ``transposed`` convolves the map with zeros between its values (kernel 4, stride 2, padding 1): the kernel is a
    multiple of the stride, so every output is made of equally many inputs, and nothing of a checkerboard is built in.
    ``pixelshuffle`` convolves to four times the channels (kernel 3) and lays them out as 2 x 2 pixels; it begins with
    four equal kernels (ICNR), so that it begins as ``nearest``.

    Raises:
        UsageError: another name.

    References: Odena, Dumoulin and Olah 2016, Deconvolution and Checkerboard Artifacts, Distill; Shi et al. 2016,
    arXiv 1609.05158 (pixel shuffle); Aitken et al. 2017, arXiv 1707.02937 (ICNR).

    >>> upsampling("transposed", 8, 4)(torch.rand(2, 8, 5, 5)).shape
    torch.Size([2, 4, 10, 10])
    """
    if name not in UPSAMPLINGS:
        raise unknown("upsampling", name, UPSAMPLINGS)
    return UPSAMPLINGS[name](inside, outside)


def told(module: nn.Module) -> str:
    """The layers of an upsampling with the numbers that make it larger.

    >>> told(upsampling("nearest", 8, 4))
    'Upsample(nearest, scale 2), Conv2d(8 to 4, kernel 3, stride 1, padding 1)'
    >>> told(upsampling("transposed", 8, 4))
    'ConvTranspose2d(8 to 4, kernel 4, stride 2, padding 1)'
    """
    return ", ".join(_told(inner) for inner in module.modules() if not isinstance(inner, nn.Sequential))


def _told(layer: nn.Module) -> str:
    kind = type(layer).__name__
    if isinstance(layer, nn.Upsample):
        return f"{kind}({layer.mode}, scale {layer.scale_factor:g})"
    if isinstance(layer, nn.PixelShuffle):
        return f"{kind}(factor {layer.upscale_factor})"
    assert isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
    sizes = f"kernel {layer.kernel_size[0]}, stride {layer.stride[0]}, padding {layer.padding[0]}"
    return f"{kind}({layer.in_channels} to {layer.out_channels}, {sizes})"
