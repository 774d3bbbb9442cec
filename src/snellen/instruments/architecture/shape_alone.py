"""What comes out of the most frequent operations on the meta device, without PyTorch's own way to find out.

PyTorch works out these shapes in Python, many times slower than this, and loads a computer algebra system to do it.
"""

from typing import Any

import torch
from torch import Tensor

from snellen.instruments.architecture.operations import CONVOLUTION, windows_of

_KEEP = ("relu", "add", "mul", "sigmoid", "silu", "gelu", "hardswish", "leaky_relu", "tanh")


def shape_alone(kind: str, args: Any, kwargs: Any) -> Any:
    """The result of an operation on the meta device, or nothing if PyTorch is to be asked.

    >>> shape_alone("mm", (torch.empty(2, 3, device="meta"), torch.empty(3, 5, device="meta")), {}).shape
    torch.Size([2, 5])
    """
    first = args[0] if args else None
    if kwargs or not isinstance(first, Tensor) or not first.is_meta or not first.is_floating_point():
        return None
    if kind == "native_batch_norm" and args[5] is False:
        return torch.empty_like(first), first.new_empty(0), first.new_empty(0)
    if kind == CONVOLUTION:
        return _convolved(first, *args[1:])
    if kind in ("mm", "addmm"):
        left, right = args[-2:]
        fits = left.shape[1] == right.shape[0] and left.dtype == right.dtype and left.is_meta and right.is_meta
        return left.new_empty(left.shape[0], right.shape[1]) if fits else None
    rest = [a for a in args[1:] if isinstance(a, Tensor)]
    if kind.removesuffix("_") in _KEEP and all(a.shape == first.shape and a.dtype == first.dtype for a in rest):
        return first if kind.endswith("_") else torch.empty_like(first)
    return None


def _convolved(
    image: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: list[int],
    padding: list[int],
    dilation: list[int],
    transposed: bool,
    output_padding: list[int],
    groups: int,
) -> Tensor | None:
    """Nothing if it does not fit: PyTorch says best why."""
    given = {"stride": stride, "padding": padding, "dilation": dilation, "transposed": transposed}
    windows = windows_of(CONVOLUTION, given, tuple(weight.shape))
    channels = weight.shape[0] if transposed else weight.shape[1] * groups
    whole = image.ndim == weight.ndim and image.shape[1] == channels and weight.is_meta and image.dtype == weight.dtype
    if not whole or (bias is not None and not bias.is_meta):
        return None
    sizes = []
    for w, extent, more in zip(windows, image.shape[2:], output_padding * len(windows), strict=False):
        span = (w.kernel - 1) * w.dilation + 1
        last = (extent - 1) * w.stride - 2 * w.padding + span + more if transposed else extent + 2 * w.padding - span
        sizes.append(last if transposed else last // w.stride + 1)
    if min(sizes) < 1:
        return None
    return image.new_empty(image.shape[0], weight.shape[1] * groups if transposed else weight.shape[0], *sizes)
