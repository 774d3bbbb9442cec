"""What comes out of the most frequent operations on the meta device, without PyTorch's own way to find out.

PyTorch works out these shapes in Python, many times slower than this, and loads a computer algebra system and its
compiler to do it. What is not plain here (other types, other devices, broken strides, wrong sizes) is left to it.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from snellen.instruments.architecture.operations import CONVOLUTION, Window, windows_of

Rule = Callable[..., Any]
_UNARY = (
    *("relu", "sigmoid", "silu", "gelu", "hardswish", "hardsigmoid", "leaky_relu", "tanh", "elu", "mish", "softplus"),
    *("hardtanh", "clamp", "clamp_min", "exp", "sqrt", "rsqrt", "neg", "erf"),
)
_ARITHMETIC = ("add", "sub", "mul", "div")
_PRODUCTS = ("mm", "addmm", "bmm")


def shape_alone(kind: str, args: Sequence[Any]) -> Any:
    """The result of an operation on the meta device, or nothing if PyTorch is to be asked.

    Args:
        kind: the operation, called without named arguments.
        args: its arguments.

    >>> shape_alone("mm", (torch.empty(2, 3, device="meta"), torch.empty(3, 5, device="meta"))).shape
    torch.Size([2, 5])
    """
    rule = _RULES.get(kind)
    if rule is None:
        return None
    dtype = None
    for arg in args[0] if isinstance(args[0], list) else args:
        if isinstance(arg, Tensor):
            dtype = dtype or arg.dtype
            if not arg.is_meta or arg.dtype is not dtype or not dtype.is_floating_point:
                return None
            if kind not in _PRODUCTS and not arg.is_contiguous():
                return None
    return rule(*args)


def _new(x: Tensor, shape: Sequence[int]) -> Tensor:
    return torch.empty(shape, dtype=x.dtype, device="meta")


def _alike(x: Tensor, *rest: Any) -> Tensor | None:
    return None if any(isinstance(other, Tensor) for other in rest) else _new(x, x.shape)


def _itself(x: Tensor, *rest: Any) -> Tensor | None:
    return None if any(isinstance(other, Tensor) for other in rest) else x


def _met(x: Tensor, other: Any) -> Tensor | None:
    """Number by number, an axis of one for all."""
    shape = _together(x, other)
    return None if shape is None else _new(x, shape)


def _met_in_place(x: Tensor, other: Any) -> Tensor | None:
    return x if _together(x, other) == x.shape else None


def _together(x: Tensor, other: Any) -> Sequence[int] | None:
    if isinstance(other, int | float):
        return x.shape
    if not isinstance(other, Tensor):
        return None
    if x.shape == other.shape:
        return x.shape
    if x.ndim != other.ndim or any(a != b and 1 not in (a, b) for a, b in zip(x.shape, other.shape, strict=True)):
        return None
    return [a if b == 1 else b for a, b in zip(x.shape, other.shape, strict=True)]


def _product(*args: Any) -> Tensor | None:
    left, right = args[-2:]
    if left.shape[:-2] != right.shape[:-2] or left.shape[-1] != right.shape[-2]:
        return None
    return _new(left, (*left.shape[:-1], right.shape[-1]))


def _batch_norm(x: Tensor, *rest: Any) -> tuple[Tensor, ...] | None:
    if rest[4] is not False:
        return None
    return _new(x, x.shape), _new(x, (0,)), _new(x, (0,))


def _layer_norm(x: Tensor, normalized: Sequence[int], *_: Any) -> tuple[Tensor, ...] | None:
    kept = x.ndim - len(normalized)
    if tuple(x.shape[kept:]) != tuple(normalized):
        return None
    statistics = (*x.shape[:kept], *(1 for _ in normalized))
    return _new(x, x.shape), _new(x, statistics), _new(x, statistics)


def _softmax(x: Tensor, dim: int, widened: object = False) -> Tensor | None:
    return _new(x, x.shape) if -x.ndim <= dim < x.ndim and not widened else None


def _mean(x: Tensor, dims: Sequence[int] | None = None, keep: bool = False) -> Tensor | None:
    if not dims or not all(-x.ndim <= d < x.ndim for d in dims):
        return None
    gone = {d % x.ndim for d in dims}
    if len(gone) < len(dims):
        return None
    if keep:
        return _new(x, [1 if d in gone else n for d, n in enumerate(x.shape)])
    return _new(x, [n for d, n in enumerate(x.shape) if d not in gone])


def _cat(parts: Sequence[Tensor], dim: int = 0) -> Tensor | None:
    first = parts[0]
    if not -first.ndim <= dim < first.ndim:
        return None
    dim %= first.ndim
    rests = {(*p.shape[:dim], *p.shape[dim + 1 :]) for p in parts}
    if len(rests) > 1 or any(p.ndim != first.ndim for p in parts):
        return None
    return _new(first, (*first.shape[:dim], sum(p.shape[dim] for p in parts), *first.shape[dim + 1 :]))


def _adaptive(x: Tensor, sizes: Sequence[int]) -> Tensor | None:
    if x.ndim != 4 or min(sizes) < 1:
        return None
    return _new(x, (*x.shape[:2], *sizes))


def _max_pool(
    x: Tensor, kernel: Any, stride: Any = (), padding: Any = 0, dilation: Any = 1, ceil: bool = False
) -> tuple[Tensor, Tensor] | None:
    settings = {"kernel_size": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    made = _pooled(x, windows_of("max_pool2d", settings, ()), ceil)
    return None if made is None else (made, torch.empty(made.shape, dtype=torch.int64, device="meta"))


def _average_pool(x: Tensor, kernel: Any, stride: Any = (), padding: Any = 0, ceil: bool = False, *_: Any) -> Any:
    return _pooled(x, windows_of("avg_pool2d", {"kernel_size": kernel, "stride": stride, "padding": padding}, ()), ceil)


def _pooled(x: Tensor, windows: Sequence[Window], ceil: bool) -> Tensor | None:
    if x.ndim != 4 or any(w.stride < 1 or not 0 <= 2 * w.padding <= w.kernel for w in windows):
        return None
    sizes = []
    for w, extent in zip(windows, x.shape[2:], strict=True):
        room = extent + 2 * w.padding - (w.kernel - 1) * w.dilation - 1
        size = (room + (w.stride - 1) * ceil) // w.stride + 1
        sizes.append(size - (ceil and (size - 1) * w.stride >= extent + w.padding))
    return None if min(sizes) < 1 else _new(x, (*x.shape[:2], *sizes))


def _convolved(
    image: Tensor,
    weight: Tensor,
    _bias: Tensor | None,
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
    if image.ndim != weight.ndim or image.shape[1] != channels or min(stride) < 1:
        return None
    sizes = []
    for w, extent, more in zip(windows, image.shape[2:], output_padding * len(windows), strict=False):
        span = (w.kernel - 1) * w.dilation + 1
        last = (extent - 1) * w.stride - 2 * w.padding + span + more if transposed else extent + 2 * w.padding - span
        sizes.append(last if transposed else last // w.stride + 1)
    if min(sizes) < 1:
        return None
    return _new(image, (image.shape[0], weight.shape[1] * groups if transposed else weight.shape[0], *sizes))


_RULES: Mapping[str, Rule] = MappingProxyType(
    {
        CONVOLUTION: _convolved,
        **dict.fromkeys(_UNARY, _alike),
        **dict.fromkeys((f"{kind}_" for kind in _UNARY), _itself),
        **dict.fromkeys(_ARITHMETIC, _met),
        **dict.fromkeys((f"{kind}_" for kind in _ARITHMETIC), _met_in_place),
        **dict.fromkeys(_PRODUCTS, _product),
        **dict.fromkeys(("_softmax", "_log_softmax", "_safe_softmax"), _softmax),
        "native_batch_norm": _batch_norm,
        "native_layer_norm": _layer_norm,
        "mean": _mean,
        "cat": _cat,
        "_adaptive_avg_pool2d": _adaptive,
        "max_pool2d_with_indices": _max_pool,
        "avg_pool2d": _average_pool,
    }
)
