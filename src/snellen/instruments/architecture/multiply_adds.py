"""How many multiply-adds does an operation cost?"""

from collections.abc import Callable
from math import prod
from typing import Any

from torch import Tensor
from torch.utils.flop_counter import flop_registry

from snellen.instruments.architecture.operations import CONVOLUTION

Count = Callable[[Any, Any, Any], int]


def counting(operation: Any) -> Count | None:
    """What counts the multiply-adds of an operation from its arguments, named ones and result; nothing if it has none.

    Args:
        operation: an overload, as PyTorch's dispatcher gives it.

    >>> import torch
    >>> x, y = torch.rand(2, 3), torch.rand(3, 5)
    >>> counting(torch.ops.aten.mm.default)((x, y), {}, x @ y)
    30
    """
    kind = operation._schema.name
    if kind == f"aten::{CONVOLUTION}":
        return lambda args, _named, result: _convolution(args[0], args[1], args[6], result)
    if kind in ("aten::mm", "aten::addmm", "aten::bmm", "aten::baddbmm"):
        return lambda args, _named, _result: args[-2].numel() * args[-1].shape[-1]
    flops = flop_registry.get(operation._overloadpacket)
    return flops and (lambda args, named, result: flops(*args, **named, out_val=result) // 2)


def _convolution(image: Tensor, weight: Tensor, transposed: bool, result: Tensor) -> int:
    """Every weight is used once at each position of the result, or of the image if transposed."""
    positions = image.shape[2:] if transposed else result.shape[2:]
    return image.shape[0] * prod(positions) * weight.numel()
