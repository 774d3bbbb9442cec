"""How much a convolution can stretch its input: the norm of the operator, and not of its flattened kernel."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from snellen._errors import NotApplicable, UsageError

Plain = nn.Conv1d | nn.Conv2d | nn.Conv3d
Transposed = nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d
CHUNK = 4_000_000
"""Complex numbers that are held at once."""


@dataclass(frozen=True)
class ConvolutionNorm:
    """The largest |conv(x) - conv(y)| / |x - y|.

    Attributes:
        bound: never below it, up to the rounding of float64.
        exact: it is the norm itself: circular padding, no output left out.
        torus: sizes of the torus whose frequencies were looked at.
    """

    bound: float
    exact: bool
    torus: tuple[int, ...]


@torch.no_grad()
def convolution_norm(conv: Plain | Transposed, input_shape: Sequence[int]) -> ConvolutionNorm:
    """The operator norm of a convolution on inputs of one shape, or a bound from above.

    On a torus of N points the discrete Fourier transform makes the convolution a matrix W(k) = sum_t W_t e^(-2 pi i
    t k / N) at every frequency k, (outputs, inputs), and its norm is the largest of theirs. With a stride s the s
    frequencies k, k + N/s, ... come out as one, so their matrices stand side by side, over sqrt(s).

    *Circular padding* is that torus: exact where it keeps the size. *Zero padding* p is a part of it: write the n
    inputs on a torus of N >= n + p with zeros elsewhere (which keeps their length), and keep those outputs that the
    layer has (which does not make it longer): every tap of a kept output meets an input or one of the zeros. So the
    norm on the torus is a bound. A *transposed* convolution is the adjoint of the convolution the other way, whose norm
    is the same.

    Args:
        conv: Conv1d to Conv3d or their transposed kinds, any stride, dilation and groups; left as it is.
        input_shape: (c, h, w), or with one or three sizes; without the batch.

    Raises:
        UsageError: a shape that does not fit.
        NotApplicable: padding by reflection or replication.

    >>> conv = nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular", bias=False)
    >>> _ = nn.init.constant_(conv.weight, 1 / 9)
    >>> convolution_norm(conv, (1, 8, 8)).exact, round(convolution_norm(conv, (1, 8, 8)).bound, 6)
    (True, 1.0)

    Reference: Sedghi, Gupta and Long 2019, The singular values of convolutional layers, arXiv:1805.10408.
    """
    back = isinstance(conv, Transposed)
    shape = _shape(conv, input_shape)
    if conv.padding_mode not in ("zeros", "circular"):
        raise NotApplicable(f"no bound is known for padding by {conv.padding_mode}; take zeros or circular padding")
    sizes, pads = (_output(conv, shape) if back else shape), _pads(conv)
    reach = [d * (k - 1) for d, k in zip(conv.dilation, conv.kernel_size, strict=True)]
    stride, repeated, exact = tuple(conv.stride), 1, False
    if conv.padding_mode == "zeros":
        torus = tuple(s * math.ceil((n + max(pad)) / s) for n, pad, s in zip(sizes, pads, stride, strict=True))
    else:
        torus = sizes
        whole = all(sum(pad) == r for pad, r in zip(pads, reach, strict=True))
        exact = whole and all(n % s == 0 for n, s in zip(sizes, stride, strict=True))
        if not exact:
            stride = (1,) * len(sizes)
            repeated = math.prod(
                math.ceil(max(n + sum(pad) - r, 1) / n) for n, pad, r in zip(sizes, pads, reach, strict=True)
            )
    weight = conv.weight.detach().double()
    groups = weight.chunk(conv.groups)
    largest = max(_on_torus(group, conv.dilation, stride, torus) for group in groups)
    return ConvolutionNorm(math.sqrt(repeated) * largest, exact, torus)


def flattened_norm(conv: Plain | Transposed) -> float:
    """What ``torch.nn.utils.parametrizations.spectral_norm`` makes 1: the norm of the kernel as a matrix.

    Its rows are the outputs, its columns every input at every tap. The layer itself may stretch more, up to
    sqrt(number of taps) times with stride 1.

    >>> conv = nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular", bias=False)
    >>> _ = nn.init.constant_(conv.weight, 1.0)
    >>> flattened_norm(conv), round(convolution_norm(conv, (1, 8, 8)).bound, 6)
    (3.0, 9.0)

    Reference: Miyato et al. 2018, arXiv:1802.05957, section 2.1; Tsuzuku, Sato and Sugiyama 2018, arXiv:1802.04034.
    """
    weight = conv.weight.detach().double()
    if isinstance(conv, Transposed):
        weight = weight.transpose(0, 1)
    return float(torch.linalg.matrix_norm(weight.flatten(1), 2))


def _on_torus(weight: Tensor, dilation: Sequence[int], stride: Sequence[int], torus: Sequence[int]) -> float:
    """The largest norm over all frequencies; those of k and -k are the same, so half of the last axis does."""
    taps = [torch.arange(k, dtype=torch.float64) * d for k, d in zip(weight.shape[2:], dilation, strict=True)]
    places = torch.cartesian_prod(*taps).view(-1, len(taps))
    bases = [n // s for n, s in zip(torus, stride, strict=True)]
    ranges = [torch.arange(n, dtype=torch.float64) for n in (*bases[:-1], bases[-1] // 2 + 1)]
    found = torch.cartesian_prod(*ranges).view(-1, len(bases))
    steps = [torch.arange(s, dtype=torch.float64) * n for s, n in zip(stride, bases, strict=True)]
    alias = torch.cartesian_prod(*steps).view(-1, len(bases))
    kernel = weight.flatten(2).permute(2, 0, 1).to(torch.complex128)  # taps, outputs, inputs
    outputs, inputs = kernel.shape[1:]
    largest, size = 0.0, max(1, CHUNK // (len(alias) * (outputs * inputs + len(places))))
    for part in found.split(size):
        turns = ((part[:, None] + alias) / torch.tensor(torus, dtype=torch.float64)) @ places.T
        phases = torch.polar(torch.ones_like(turns), -2 * math.pi * turns)
        matrix = torch.tensordot(phases, kernel, 1).transpose(1, 2).flatten(2) / math.sqrt(len(alias))
        tall = matrix if matrix.shape[1] <= matrix.shape[2] else matrix.mH
        largest = max(largest, float(torch.linalg.eigvalsh(tall @ tall.mH)[:, -1].max()))
    return math.sqrt(max(largest, 0.0))


def _shape(conv: Plain | Transposed, input_shape: Sequence[int]) -> tuple[int, ...]:
    shape = tuple(int(size) for size in input_shape)
    axes = conv.weight.ndim - 2
    if len(shape) != axes + 1 or shape[0] != conv.in_channels or min(shape) < 1:
        raise UsageError(
            f"input_shape of this {type(conv).__name__} must be {conv.in_channels} channels and {axes} sizes, got "
            f"{shape}"
        )
    return shape[1:]


def _pads(conv: Plain | Transposed) -> list[tuple[int, int]]:
    if conv.padding == "same":
        reach = [d * (k - 1) for d, k in zip(conv.dilation, conv.kernel_size, strict=True)]
        return [(r // 2, r - r // 2) for r in reach]
    if conv.padding == "valid":
        return [(0, 0) for _ in conv.kernel_size]
    return [(int(p), int(p)) for p in conv.padding]


def _output(conv: Plain | Transposed, sizes: tuple[int, ...]) -> tuple[int, ...]:
    """Of a transposed convolution."""
    settings = zip(sizes, conv.stride, conv.padding, conv.dilation, conv.kernel_size, conv.output_padding, strict=True)
    return tuple((n - 1) * s - 2 * int(p) + d * (k - 1) + o + 1 for n, s, p, d, k, o in settings)
