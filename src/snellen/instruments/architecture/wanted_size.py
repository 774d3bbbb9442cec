"""Which padding gives a convolution's output this size?"""

from dataclasses import dataclass

from snellen._errors import UsageError
from snellen.instruments.architecture.convolution import Axis, Sizes, axes_of, spread


@dataclass(frozen=True)
class Padding:
    """Zeros at each end and, for a transposed convolution, the output padding that goes with them."""

    padding: int
    output_padding: int = 0


@dataclass(frozen=True)
class Answer:
    """The paddings of one axis that give its wanted size.

    ``equal`` are those with as many zeros before as after, smallest first. ``totals`` are the sums of both ends
    that give the size, smallest first; where ``equal`` is empty, only unequal ends do.
    """

    name: str
    equal: tuple[Padding, ...]
    totals: tuple[int, ...]
    steps: str


def paddings(
    size: Sizes,
    kernel: Sizes,
    output: Sizes,
    *,
    stride: Sizes = 1,
    dilation: Sizes = 1,
    transposed: bool = False,
) -> tuple[Answer, ...]:
    """The paddings with which a convolution gives an output of the wanted size, axis by axis; all there are.

    ⌊(input + 2 padding - extent) / stride⌋ + 1 = output holds when input + 2 padding - extent lies between
    (output - 1) stride and output stride - 1. A transposed convolution needs
    2 padding - output_padding = (input - 1) stride + extent - output.

    Args:
        size: of the input; this and the others as in :func:`~snellen.instruments.architecture.convolution.convolution`.
        kernel: its size.
        output: the wanted size; one number for all axes, or one an axis.
        stride: of the convolution.
        dilation: of the kernel.
        transposed: the convolution that goes the other way.

    Raises:
        UsageError: a number out of its range, or no padding gives the size.

    Reference: Dumoulin and Visin 2016, arXiv:1603.07285.

    >>> [answer.equal for answer in paddings(69, 7, 24, stride=3)]
    [(Padding(padding=4, output_padding=0),)]
    """
    axes = axes_of(size, kernel, stride=stride, dilation=dilation, transposed=transposed)
    wanted = spread(output, [axis.name for axis in axes], "output")
    if min(wanted) < 1:
        raise UsageError(f"the wanted output must be at least 1, got {min(wanted)}")
    return tuple((_transposed if transposed else _straight)(axis, o) for axis, o in zip(axes, wanted, strict=True))


def _straight(axis: Axis, wanted: int) -> Answer:
    least, most = (wanted - 1) * axis.stride, wanted * axis.stride - 1
    low, high = least + axis.extent - axis.size, most + axis.extent - axis.size
    if high < 0:
        raise UsageError(
            f"no padding gives a {axis.name} of {wanted}: without any it is {axis.output} already. "
            "Take a larger kernel or stride."
        )
    extent = f"{axis.extent}" if axis.dilation == 1 else f"({axis.dilation}·({axis.kernel} − 1) + 1)"
    steps = f"{least} ≤ {axis.size} + 2p − {extent} ≤ {most}, so {low} ≤ 2p ≤ {high}".replace("-", "−")
    equal = tuple(Padding(p) for p in range(-(-max(low, 0) // 2), high // 2 + 1))
    return Answer(axis.name, equal, tuple(range(max(low, 0), high + 1)), steps)


def _transposed(axis: Axis, wanted: int) -> Answer:
    grown = (axis.size - 1) * axis.stride
    excess = grown + axis.extent - wanted
    extras = range(max(axis.stride, axis.dilation))
    equal = tuple(Padding((excess + x) // 2, x) for x in extras if excess + x >= 0 and (excess + x) % 2 == 0)
    steps = f"2p − o = {grown} + {axis.extent} − {wanted} = {excess}, with 0 ≤ o ≤ {extras[-1]}".replace("-", "−")
    totals = tuple(excess + x for x in extras if excess + x >= 0)
    if not totals:
        raise UsageError(
            f"no padding gives a {axis.name} of {wanted}: it is at most {grown + axis.extent + extras[-1]}. "
            "Take a larger kernel or stride."
        )
    return Answer(axis.name, equal, totals, steps)
