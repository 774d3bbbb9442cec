"""A convolution written as the matrix of a fully-connected layer: where it is zero, and which entries are the same."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from snellen._errors import UsageError

Convolution = nn.Conv1d | nn.Conv2d | nn.Conv3d
MOST = 50_000_000
"""Connections that are written down, at 24 bytes each."""


@dataclass(frozen=True, eq=False)
class ConvolutionMatrix:
    """A convolution on inputs of one shape, as y = M x + b with x and y flattened.

    Attributes:
        matrix: M, sparse, (outputs, inputs).
        bias: b, (outputs,); zeros where the convolution has none.
        input_shape: (c, *space).
        output_shape: (c, *space).
        weights: numbers that the convolution learns, without its bias.
        connections: entries of M that a weight stands in; the others are 0 whatever is learned.
        uses: (weights,) in how many connections each weight stands. Flattened as ``weight`` is.
    """

    matrix: Tensor
    bias: Float[Tensor, "outputs"]
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    weights: int
    connections: int
    uses: Tensor

    @property
    def entries(self) -> int:
        """Of M: what a fully-connected layer between the same shapes learns."""
        return self.matrix.shape[0] * self.matrix.shape[1]

    @property
    def density(self) -> float:
        """Share of M that a weight stands in."""
        return self.connections / self.entries

    def linear(self) -> nn.Linear:
        """The fully-connected layer with this matrix: ``linear(x.flatten(1))`` is ``conv(x).flatten(1)``."""
        outputs, inputs = self.matrix.shape
        layer = nn.Linear(inputs, outputs, device="meta").to_empty(device=self.bias.device).to(self.bias.dtype)
        with torch.no_grad():
            layer.weight.copy_(self.matrix.to_dense())
            layer.bias.copy_(self.bias)
        return layer


@torch.no_grad()
def as_matrix(conv: Convolution, input_shape: Sequence[int]) -> ConvolutionMatrix:
    """Write a convolution as a matrix.

    Every output is a weighted sum of inputs, so a convolution is a fully-connected layer with two constraints: an
    output is joined only to the inputs under its kernel (sparsity), and all positions use the same weights (sharing).

    Args:
        conv: Conv1d, Conv2d or Conv3d, with any stride, padding, dilation, groups and padding mode; left as it is.
        input_shape: (c, length), (c, h, w) or (c, d, h, w), without the batch.

    Raises:
        UsageError: a shape that does not fit, or a matrix of more than 50 million connections.

    Reference: Dumoulin and Visin 2016, A guide to convolution arithmetic for deep learning, arXiv:1603.07285,
    section 4.1.

    >>> found = as_matrix(nn.Conv1d(1, 1, 3, bias=False), (1, 6))
    >>> found.matrix.shape, found.weights, found.connections, found.uses.tolist()
    (torch.Size([4, 6]), 3, 12, [4, 4, 4])
    """
    axes = conv.weight.ndim - 2
    shape = tuple(int(size) for size in input_shape)
    if len(shape) != axes + 1 or shape[0] != conv.in_channels or min(shape) < 1:
        wanted = ", ".join((str(conv.in_channels), *("depth", "height", "width")[-axes:]))
        raise UsageError(f"input_shape of a {type(conv).__name__} must be ({wanted}), got {shape}")
    reach = [(k - 1) * d for k, d in zip(conv.kernel_size, conv.dilation, strict=True)]
    pads = _padding(conv, reach)
    sizes = [
        (size + sum(pad) - r - 1) // s + 1 for size, pad, r, s in zip(shape[1:], pads, reach, conv.stride, strict=True)
    ]
    if min(sizes) < 1:
        raise UsageError(f"the kernel is larger than the padded input of {shape}: the output would be {tuple(sizes)}")
    connections = conv.weight[0].numel() * conv.out_channels * math.prod(sizes)
    if connections > MOST:
        raise UsageError(
            f"the matrix has {connections:,} connections, the most is {MOST:,}: give a smaller input_shape"
        )
    seen = _under_the_kernel(conv, shape, pads, sizes)
    return _collected(conv, shape, tuple(sizes), seen)


def _padding(conv: Convolution, reach: list[int]) -> list[tuple[int, int]]:
    """Before and after, for each axis."""
    if conv.padding == "same":
        return [(r // 2, r - r // 2) for r in reach]
    if conv.padding == "valid":
        return [(0, 0) for _ in reach]
    return [(int(p), int(p)) for p in conv.padding]


def _under_the_kernel(
    conv: Convolution, shape: tuple[int, ...], pads: list[tuple[int, int]], sizes: list[int]
) -> Tensor:
    """(c, *sizes, *kernel): the number of the input, from 1, that each tap of each position meets; 0 for padding."""
    numbers = torch.arange(1.0, math.prod(shape) + 1, dtype=torch.float64).view(1, *shape)
    mode = "constant" if conv.padding_mode == "zeros" else conv.padding_mode
    taps = F.pad(numbers, [p for pad in reversed(pads) for p in pad], mode=mode)[0].long()
    for axis, (out, k, s, d) in enumerate(zip(sizes, conv.kernel_size, conv.stride, conv.dilation, strict=True)):
        places = torch.arange(out)[:, None] * s + torch.arange(k) * d
        taps = taps.index_select(2 * axis + 1, places.flatten()).unflatten(2 * axis + 1, (out, k))
    axes = len(sizes)
    return taps.permute(0, *(2 * a + 1 for a in range(axes)), *(2 * a + 2 for a in range(axes)))


def _collected(conv: Convolution, shape: tuple[int, ...], sizes: tuple[int, ...], seen: Tensor) -> ConvolutionMatrix:
    positions, outputs, inputs = math.prod(sizes), conv.out_channels, conv.in_channels // conv.groups
    weight = conv.weight.detach()
    own = torch.arange(weight.numel()).view(outputs, 1, inputs, -1)
    group = torch.arange(conv.groups).repeat_interleave(outputs // conv.groups)
    by_group = seen.reshape(conv.groups, inputs, positions, -1).transpose(1, 2)
    columns = by_group[group]
    rows = torch.arange(outputs * positions).view(outputs, positions, 1, 1).expand_as(columns)
    inside = columns > 0
    which = own.expand_as(columns)[inside]
    at = torch.stack([rows[inside], columns[inside] - 1])
    size = (outputs * positions, math.prod(shape))
    matrix = torch.sparse_coo_tensor(at, weight.flatten()[which], size, check_invariants=True).coalesce()
    bias = torch.zeros(outputs, dtype=weight.dtype) if conv.bias is None else conv.bias.detach()
    return ConvolutionMatrix(
        matrix,
        bias.repeat_interleave(positions),
        shape,
        (outputs, *sizes),
        weight.numel(),
        matrix.values().numel(),
        torch.bincount(which, minlength=weight.numel()),
    )
