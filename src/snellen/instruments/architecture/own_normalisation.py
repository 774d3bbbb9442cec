"""The normalisation that a module does itself, before anything else happens to its input."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

PLUS = {Tensor.add, torch.add, Tensor.__add__, Tensor.__radd__, Tensor.add_, Tensor.__iadd__}
MINUS = {Tensor.sub, torch.sub, Tensor.__sub__, Tensor.sub_, Tensor.__isub__}
TIMES = {Tensor.mul, torch.mul, Tensor.__mul__, Tensor.__rmul__, Tensor.mul_, Tensor.__imul__}
OVER = {Tensor.div, torch.div, Tensor.__truediv__, Tensor.div_, Tensor.__itruediv__}
SAME = {Tensor.to, Tensor.float, Tensor.contiguous, Tensor.clone, torch.clone, Tensor.type_as}


@dataclass(frozen=True)
class Affine:
    """``scale * x + shift``, one number a channel: what a module does to its input first."""

    scale: tuple[float, ...]
    shift: tuple[float, ...]

    @property
    def mean(self) -> tuple[float, ...]:
        """As a normalisation ``(x - mean) / std``."""
        return tuple(-b / a for a, b in zip(self.scale, self.shift, strict=True))

    @property
    def std(self) -> tuple[float, ...]:
        """Likewise."""
        return tuple(1 / a for a in self.scale)


class _Beginning(TorchFunctionMode):
    """Follows the input through sums and products with constants, until something else is done with it."""

    def __init__(self, inputs: Tensor) -> None:
        super().__init__()
        self.now, self.held = inputs, [inputs]
        self.scale = torch.ones(inputs.shape[1], dtype=torch.float64)
        self.shift = torch.zeros(inputs.shape[1], dtype=torch.float64)
        self.steps = 0

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if args and args[0] is self.now and isinstance(result, Tensor) and result.shape == self.now.shape:
            if func in SAME:
                self._on(result)
            elif func in PLUS | MINUS | TIMES | OVER and len(args) == 2:
                by = self._by_channel(args[1])
                if by is not None and bool((by != 0).all() | torch.tensor(func in PLUS | MINUS)):
                    self._step(func, by)
                    self._on(result)
        return result

    def _on(self, result: Tensor) -> None:
        self.now = result
        self.held.append(result)  # else the next tensor may have its place in memory, and pass for it

    def _step(self, func: Callable[..., Any], by: Tensor) -> None:
        self.steps += 1
        if func in PLUS:
            self.shift += by
        elif func in MINUS:
            self.shift -= by
        else:
            factor = by if func in TIMES else 1 / by
            self.scale *= factor
            self.shift *= factor

    def _by_channel(self, value: object) -> Tensor | None:
        channels = len(self.scale)
        if isinstance(value, int | float):
            return torch.full((channels,), float(value), dtype=torch.float64)
        if not isinstance(value, Tensor) or value.is_meta or value.numel() not in (1, channels):
            return None
        if value.ndim > 1 and value.numel() > 1 and value.shape[-3:] != (channels, 1, 1):
            return None
        return value.detach().double().cpu().flatten().expand(channels)


def own_normalisation(module: nn.Module, inputs: Tensor) -> Affine | None:
    """What a module does to its input before anything else, if it scales or shifts it by constants.

    Args:
        module: in evaluation mode; the caller sees to it that it is put back.
        inputs: (n, c, h, w), as the module takes them.

    Returns None where the first thing it does is something else. Only sums and products written in Python are seen.

    >>> class Net(nn.Module):
    ...     def forward(self, x):
    ...         return ((x - 0.5) / 0.25).mean(dim=(2, 3))
    >>> own_normalisation(Net(), torch.rand(1, 3, 4, 4)).std
    (0.25, 0.25, 0.25)
    """
    watch = _Beginning(inputs)
    with torch.no_grad(), watch:
        module(watch.now)
    if watch.steps == 0:
        return None
    return Affine(tuple(watch.scale.tolist()), tuple(watch.shift.tolist()))
