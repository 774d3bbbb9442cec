"""One operation of a traced forward, and the windows through which it reads its input."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from math import gcd
from typing import Any

CONVOLUTION = "convolution"
MAX_POOLS = ("max_pool1d", "max_pool2d", "max_pool2d_with_indices", "max_pool3d", "max_pool3d_with_indices")
AVERAGE_POOLS = ("avg_pool1d", "avg_pool2d", "avg_pool3d")
PADS = ("constant_pad_nd", *(f"{how}_pad{n}d" for how in ("reflection", "replication") for n in (1, 2, 3)))
WINDOWED = frozenset((CONVOLUTION, *MAX_POOLS, *AVERAGE_POOLS, *PADS))


@dataclass(frozen=True, kw_only=True)
class Window:
    """How a sliding operation reads one axis of its input.

    Output u reads the inputs u * stride - padding + k * dilation, k = 0 ... kernel - 1. If ``transposed``, it is the
    other way round: input x writes to the outputs x * stride - padding + k * dilation.

    Args:
        kernel: taps.
        stride: pixels of the input from one output to the next; of the output, if transposed.
        padding: pixels added before the first; negative where some are cut off.
        dilation: pixels from one tap to the next.
        transposed: whether this is a transposed convolution.
    """

    kernel: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    transposed: bool = False

    @property
    def skips(self) -> bool:
        """Whether some inputs are read by no output."""
        return not self.transposed and self.read < 1

    @property
    def read(self) -> Fraction:
        """The share of inputs that an output reads: the taps fall on so many of the places from stride to stride."""
        return Fraction(min(self.kernel, self.stride // gcd(self.stride, self.dilation)), self.stride)

    @property
    def uneven(self) -> bool:
        """Whether the outputs of a transposed window are written by different numbers of inputs."""
        return self.transposed and self.summed[0] != self.summed[1]

    @property
    def summed(self) -> tuple[int, int]:
        """The fewest and the most inputs that write to one output of a transposed window, away from its ends.

        >>> Window(kernel=3, stride=2, transposed=True).summed
        (1, 2)
        """
        taps = [k * self.dilation % self.stride for k in range(self.kernel)]
        counts = [taps.count(place) for place in range(self.stride)]
        return min(counts), max(counts)


@dataclass(frozen=True, kw_only=True)
class Node:
    """One operation on numbers that were computed from the image.

    Args:
        index: its place in the order of execution, and in ``Wiring.nodes``.
        module: the innermost module that was running, by its qualified name; ``""`` is the network itself.
        kind: the name of the operation, as PyTorch's dispatcher calls it: ``convolution``, ``relu_``, ``cat``.
        inputs: the nodes it reads, one for each operand that comes from the image.
        operands: what those inputs are to it: ``input``, ``self``, ``mat2``, ``tensors`` ...
        output_shape: of its first tensor.
        windows: one for each spatial axis, of convolutions, poolings and paddings; else none.
        parameters: the names of the parameters it uses, also through others.
        macs: multiply-adds.
        activation_bytes: of new memory; views and operations in place take none.
        pointwise: each number of the output depends on one number of each input.
        settings: its other arguments by name; ``output`` says which of several tensors this is.
    """

    index: int
    module: str
    kind: str
    inputs: tuple[int, ...]
    operands: tuple[str, ...]
    output_shape: tuple[int, ...]
    windows: tuple[Window, ...] = ()
    parameters: tuple[str, ...] = ()
    macs: int = 0
    activation_bytes: int = 0
    pointwise: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """The node in words: ``layer1.0: add``."""
        return f"{self.module}: {self.kind.strip('_')}" if self.module else self.kind.strip("_")

    @property
    def joins(self) -> bool:
        """Whether several paths from the image meet here."""
        return len(set(self.inputs)) > 1


def windows_of(kind: str, settings: Mapping[str, Any], weight: tuple[int, ...]) -> tuple[Window, ...]:
    """The windows of an operation; none if it has none.

    Args:
        kind: the operation.
        settings: its arguments by name.
        weight: the shape of its weight, (c_out, c_in, k, ...), if it has one.

    >>> windows_of("avg_pool2d", {"kernel_size": (3,), "stride": (2,), "padding": (1,)}, ())[1]
    Window(kernel=3, stride=2, padding=1, dilation=1, transposed=False)
    """
    if kind == CONVOLUTION:
        stride, padding, dilation = (tuple(settings[name]) for name in ("stride", "padding", "dilation"))
        return _alike(weight[2:], stride, padding, dilation, bool(settings.get("transposed")))
    if kind in MAX_POOLS or kind in AVERAGE_POOLS:
        n = int(next(c for c in kind if c.isdigit()))
        kernel = _each(settings["kernel_size"], n)
        stride, padding = _each(settings.get("stride") or kernel, n), _each(settings.get("padding") or 0, n)
        return _alike(kernel, stride, padding, _each(settings.get("dilation") or 1, n), False)
    if kind in PADS:
        added = settings["pad" if kind == "constant_pad_nd" else "padding"]
        return tuple(Window(kernel=1, padding=before) for before in added[::2][::-1])
    return ()


@lru_cache(4096)
def _alike(kernel: tuple[int, ...], stride: Any, padding: Any, dilation: Any, transposed: bool) -> tuple[Window, ...]:
    """One object for all windows that are alike: a network has few."""
    sizes = zip(kernel, *(_each(values, len(kernel)) for values in (stride, padding, dilation)), strict=True)
    return tuple(Window(kernel=k, stride=s, padding=p, dilation=d, transposed=transposed) for k, s, p, d in sizes)


def _each(value: Any, axes: int) -> tuple[int, ...]:
    """One number for each axis, where PyTorch lets one stand for all."""
    values = tuple(value) if isinstance(value, list | tuple) else (value,)
    return tuple(int(v) for v in (values * axes if len(values) == 1 else values))
