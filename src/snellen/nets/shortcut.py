"""What a residual connection adds: the kept input itself, or a 1 x 1 projection of it where shapes differ."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
from torch import nn

Projection: TypeAlias = nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d
_CONVOLUTIONS: dict[int, Callable[..., Projection]] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}


def strides(before: Sequence[int], after: Sequence[int]) -> tuple[int, ...] | None:
    """The stride along each axis with which a kernel of 1 brings one size to the other; None where there is none.

    A kernel of 1 with stride s gives ceil(size / s) positions. Of several strides the smallest is taken.

    >>> strides((7, 8), (4, 8)), strides((24, 24), (20, 20)), strides((4, 4), (8, 8))
    ((2, 1), None, None)
    """
    found = []
    for size, wanted in zip(before, after, strict=True):
        stride = -(-size // wanted)
        if -(-size // stride) != wanted:
            return None
        found.append(stride)
    return tuple(found)


def projection(before: Sequence[int], after: Sequence[int], *, zero: bool = False, seed: int = 0) -> Projection | None:
    """The layer that brings (c, *space) to (c2, *space2): Linear for vectors, else a strided 1 x 1 convolution.

    It has no bias: the layer that it is added to has one of its own.

    Args:
        before: shape without the batch.
        after: likewise.
        zero: begin with weights of 0.
        seed: of the weights otherwise, PyTorch's own initialisation; its generator is left as it was.

    Returns:
        None where no such layer exists.

    Reference: He, Zhang, Ren and Sun 2016, Deep residual learning for image recognition, arXiv:1512.03385, section
    3.2 and option B of section 3.3.

    >>> projection((16, 32, 32), (32, 16, 16))
    Conv2d(16, 32, kernel_size=(1, 1), stride=(2, 2), bias=False)
    """
    if len(before) != len(after) or not 1 <= len(before) <= 4:
        return None
    stride = strides(before[1:], after[1:])
    if stride is None:
        return None
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        layer: Projection = nn.Linear(before[0], after[0], bias=False)
        if stride:
            layer = _CONVOLUTIONS[len(stride)](before[0], after[0], 1, stride=stride, bias=False)
    if zero:
        nn.init.zeros_(layer.weight)
    return layer


class SequentialWithShortcut(nn.Sequential):
    """A Sequential that holds a shortcut among its children and does not call it in turn."""

    left_out: frozenset[str] = frozenset()

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """The children one after the other, those left out excepted."""
        for name, layer in self._modules.items():
            if name not in self.left_out and layer is not None:
                input = layer(input)
        return input
