"""Convolutions in bfloat16 where that pays, products with few rows left in float32."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode

FEW_ROWS = 64


@contextmanager
def bfloat16(device: str) -> Iterator[None]:
    """Autocast to bfloat16, except for linear layers of fewer than 64 rows.

    Such a product is bound by reading its weights once; casting them reads and writes more than that.
    """
    with torch.autocast(device, torch.bfloat16), _FewRowsInFloat32(device):
        yield


class _FewRowsInFloat32(TorchFunctionMode):
    def __init__(self, device: str) -> None:
        super().__init__()
        self._device = device

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if func is F.linear and len(args) >= 2 and args[0].numel() < FEW_ROWS * args[0].shape[-1]:
            with torch.autocast(self._device, enabled=False):
                return func(args[0].to(args[1].dtype), *args[1:], **(kwargs or {}))
        return func(*args, **(kwargs or {}))


def fast_bfloat16(device: torch.device) -> bool:
    """Whether products in bfloat16 are faster here than in float32: a GPU, or a CPU with instructions for them."""
    if device.type == "cpu":
        return bool(torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())
    return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
