"""Convolutions of maps of a few pixels as matrix products, several times faster on a CPU in bfloat16.

The library's kernels for a 3 x 3 convolution are made for large maps. For the gradient of the weights at 4 x 4 and
2 x 2 pixels they take 3 to 17 times as long as one product with a matrix of patches, which is what such a convolution
is.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

MOST_PIXELS = 16
"""Above so many positions of a map the patches cost more to copy than they save."""


class SmallMaps(TorchFunctionMode):
    """While it is entered, such convolutions under autocast on a CPU are computed by :func:`small_convolution`."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if func is torch.conv2d and not kwargs and self._suits(args):
            pixels, weight, bias = args[:3]
            result = small_convolution(pixels.to(torch.bfloat16), weight)
            return result if bias is None else result + bias.to(result.dtype).view(1, -1, 1, 1)
        return func(*args, **(kwargs or {}))

    @staticmethod
    def _suits(args: tuple[Any, ...]) -> bool:
        pixels, weight = args[:2]
        return (
            len(args) == 7
            and pixels.device.type == "cpu"
            and torch.is_autocast_enabled("cpu")
            and pixels.ndim == 4
            and weight.shape[2:] == (3, 3)
            and pixels.shape[2] * pixels.shape[3] <= MOST_PIXELS
            and tuple(map(tuple, args[3:6])) == ((1, 1), (1, 1), (1, 1))
            and args[6] == 1
        )


def small_convolution(pixels: Tensor, weight: Tensor) -> Tensor:
    """The 3 x 3 convolution with stride 1 and padding 1 of (n, c, h, w), computed in the dtype of the pixels.

    Args:
        pixels: (n, c, h, w).
        weight: (o, c, 3, 3), of any dtype; its gradient has that.

    Returns:
        (n, o, h, w) in channels-last memory.

    >>> pixels, weight = torch.rand(2, 3, 4, 4), torch.rand(5, 3, 3, 3)
    >>> torch.allclose(small_convolution(pixels, weight), F.conv2d(pixels, weight, padding=1), atol=1e-5)
    True
    """
    result: Tensor = _SmallConvolution.apply(pixels, weight)  # type: ignore[no-untyped-call]
    return result


class _SmallConvolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, pixels: Tensor, weight: Tensor) -> Tensor:
        low = weight.to(pixels.dtype)
        rows = _patches(pixels)
        ctx.save_for_backward(rows, low)
        ctx.shape, ctx.dtype = pixels.shape, weight.dtype
        return _map(rows @ low.permute(2, 3, 1, 0).reshape(rows.shape[1], -1), pixels.shape)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None]:
        (gradient,) = gradients
        rows, weight = ctx.saved_tensors
        outputs, channels = weight.shape[:2]
        to_pixels = to_weight = None
        if ctx.needs_input_grad[0]:
            turned = weight.flip(2, 3).permute(2, 3, 0, 1).reshape(-1, channels)
            to_pixels = _map(_patches(gradient) @ turned, ctx.shape)
        if ctx.needs_input_grad[1]:
            flat = gradient.permute(0, 2, 3, 1).reshape(-1, outputs)
            to_weight = (flat.t() @ rows).view(outputs, 3, 3, channels).permute(0, 3, 1, 2).to(ctx.dtype)
        return to_pixels, to_weight


def _patches(maps: Tensor) -> Tensor:
    """(n, c, h, w) -> (n * h * w, 9 * c): each pixel's neighbourhood, zeros around the map."""
    n, c, h, w = maps.shape
    around = F.pad(maps.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1)).contiguous()
    a, b, d, e = around.stride()
    return around.as_strided((n, h, w, 3, 3, c), (a, b, d, b, d, e)).reshape(n * h * w, 9 * c)


def _map(rows: Tensor, shape: torch.Size) -> Tensor:
    n, _, h, w = shape
    return rows.view(n, h, w, -1).permute(0, 3, 1, 2)
