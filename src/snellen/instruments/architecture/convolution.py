"""The size that a convolution gives, with every step written out, and the paddings that give a wanted size."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from snellen._errors import UsageError
from snellen.instruments.architecture.operations import Window

Sizes: TypeAlias = int | Sequence[int]
AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
"""What the axes are called, by their number."""


@dataclass(frozen=True)
class Axis:
    """One axis of a convolution: ``before`` and ``after`` are the zeros that padding puts at its two ends."""

    name: str
    size: int
    kernel: int
    stride: int
    before: int
    after: int
    dilation: int
    output_padding: int
    transposed: bool

    @property
    def extent(self) -> int:
        """From the first to the last position that the kernel covers: dilation (kernel - 1) + 1."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def output(self) -> int:
        """The size of the output, which is 0 or less where there is none."""
        padding = self.before + self.after
        if self.transposed:
            return (self.size - 1) * self.stride - padding + self.extent + self.output_padding
        return (self.size + padding - self.extent) // self.stride + 1

    @property
    def steps(self) -> str:
        """The calculation, one equality after the other."""
        if self.transposed:
            grown, padding = (self.size - 1) * self.stride, self.before + self.after
            kernel = f"{self.kernel}" if self.dilation == 1 else f"({self.dilation}·({self.kernel} − 1) + 1)"
            said = (
                f"({self.size} − 1)·{self.stride} − 2·{self.before} + {kernel} + {self.output_padding}"
                f" = {grown} − {padding} + {self.extent} + {self.output_padding} = {self.output}"
            )
        else:
            n = self.size + self.before + self.after - self.extent
            said = (
                f"⌊({self._padded} − {self._kernel}) / {self.stride}⌋ + 1"
                f" = ⌊{n} / {self.stride}⌋ + 1 = {n // self.stride} + 1 = {self.output}"
            )
        return said.replace("-", "−")

    @property
    def notes(self) -> tuple[str, ...]:
        """What the formula does not say: positions that are not read, outputs that are covered unevenly."""
        if self.transposed:
            window = Window(kernel=self.kernel, stride=self.stride, dilation=self.dilation, transposed=True)
            made = " or ".join(map(str, window.summed))
            said = f"{self.name}: outputs are made of {made} inputs, in turn (checkerboard patterns; Odena et al. 2016)"
            return (said,) * window.uneven
        padded = self.size + self.before + self.after
        rest = (padded - self.extent) % self.stride
        lost = max(rest - self.after, 0)
        what = "padding only" if not lost else f"{lost} of the input"
        verb = "is" if rest == 1 else "are"
        positions = "padded positions" if padded > self.size else "positions"
        notes = [f"{self.name}: {rest} of {padded} {positions}, at the end, {verb} not read ({what})"] * (rest > 0)
        if self.stride > self.extent and self.output > 1:
            notes.append(f"{self.name}: {self.stride - self.extent} positions between two windows are not read")
        return tuple(notes)

    @property
    def _padded(self) -> str:
        equal = self.before == self.after
        return f"{self.size} + 2·{self.before}" if equal else f"{self.size} + {self.before} + {self.after}"

    @property
    def _kernel(self) -> str:
        return f"{self.kernel}" if self.dilation == 1 else f"{self.dilation}·({self.kernel} − 1) − 1"


@dataclass(frozen=True)
class Convolution:
    """A convolution of one, two or three axes, and what it does to a size."""

    axes: tuple[Axis, ...]

    @property
    def output(self) -> tuple[int, ...]:
        """The size of the output, axis by axis."""
        return tuple(axis.output for axis in self.axes)

    @property
    def formula(self) -> str:
        """The formula in words, without the dilation where there is none."""
        dilated = any(axis.dilation > 1 for axis in self.axes)
        if self.axes[0].transposed:
            kernel = "dilation·(kernel − 1) + 1" if dilated else "kernel"
            return f"output = (input − 1)·stride − 2·padding + {kernel} + output padding"
        kernel = "dilation·(kernel − 1) − 1" if dilated else "kernel"
        return f"output = ⌊(input + 2·padding − {kernel}) / stride⌋ + 1"

    @property
    def notes(self) -> tuple[str, ...]:
        """The notes of all axes."""
        return tuple(note for axis in self.axes for note in axis.notes)


def convolution(
    size: Sizes,
    kernel: Sizes,
    *,
    stride: Sizes = 1,
    padding: Sizes | Literal["same", "valid"] = 0,
    dilation: Sizes = 1,
    output_padding: Sizes = 0,
    transposed: bool = False,
) -> Convolution:
    """What a convolution, or a transposed one, does to an input of this size; exactly as ``torch.nn`` does it.

    ⌊(input + 2 padding - dilation (kernel - 1) - 1) / stride⌋ + 1, and for a transposed convolution
    (input - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1. Pooling follows the first.

    Args:
        size: of the input, in elements: one number an axis, one to three axes; no batch, no channels.
        kernel: its size; this and the others are one number for all axes, or one an axis.
        stride: the step from one window to the next (transposed: from one input to the next in the output).
        padding: zeros at each end, or "same" (stride 1 only; an odd zero goes to the end) or "valid" (none).
        dilation: the step between the elements of the kernel.
        output_padding: added to one end of a transposed convolution's output.
        transposed: the convolution that goes the other way.

    Raises:
        UsageError: a number out of its range; or no output is left, and along which axis.

    Reference: Dumoulin and Visin 2016, A guide to convolution arithmetic for deep learning, arXiv:1603.07285.

    >>> convolution((69, 90), (7, 5), stride=3, padding=4).output
    (24, 32)
    >>> convolution((69, 90), (7, 5), stride=3, padding=4).axes[0].steps
    '⌊(69 + 2·4 − 7) / 3⌋ + 1 = ⌊70 / 3⌋ + 1 = 23 + 1 = 24'
    """
    axes = axes_of(
        size,
        kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
        output_padding=output_padding,
        transposed=transposed,
    )
    if gone := [axis for axis in axes if axis.output <= 0]:
        raise UsageError("nothing is left of the input. " + " ".join(map(_mourned, gone)))
    return Convolution(axes)


def axes_of(
    size: Sizes,
    kernel: Sizes,
    *,
    stride: Sizes = 1,
    padding: Sizes | Literal["same", "valid"] = 0,
    dilation: Sizes = 1,
    output_padding: Sizes = 0,
    transposed: bool = False,
) -> tuple[Axis, ...]:
    """The axes of a convolution, every number in its range, whether an output is left or not.

    The arguments are those of :func:`convolution`.

    Raises:
        UsageError: a number out of its range.

    >>> [axis.output for axis in axes_of((5, 2), 3)]
    [3, 0]
    """
    sizes = _listed(size)
    if len(sizes) not in AXES:
        raise UsageError(f"an input has one, two or three axes, got {len(sizes)}: {_times(sizes)}")
    names = AXES[len(sizes)]
    kernels, dilations = spread(kernel, names, "kernel"), spread(dilation, names, "dilation")
    ends = _ends(padding, kernels, dilations, names)
    strides, extras = spread(stride, names, "stride"), spread(output_padding, names, "output padding")
    numbers = zip(names, sizes, kernels, strides, ends, dilations, extras, strict=True)
    axes = tuple(
        Axis(name, i, k, s, before, after, d, extra, transposed) for name, i, k, s, (before, after), d, extra in numbers
    )
    for axis in axes:
        _check(axis, word=isinstance(padding, str), same=padding == "same")
    return axes


def _ends(
    padding: Sizes | str, kernel: tuple[int, ...], dilation: tuple[int, ...], names: tuple[str, ...]
) -> list[tuple[int, int]]:
    if padding == "same":
        totals = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        return [(total // 2, total - total // 2) for total in totals]
    if padding == "valid":
        padding = 0
    if isinstance(padding, str):
        raise UsageError(f"padding must be numbers, 'same' or 'valid', got {padding!r}")
    return [(p, p) for p in spread(padding, names, "padding")]


def _listed(sizes: Sizes) -> tuple[int, ...]:
    return (sizes,) if isinstance(sizes, int) else tuple(sizes)


def spread(sizes: Sizes, names: Sequence[str], what: str) -> tuple[int, ...]:
    """One number for every axis.

    Raises:
        UsageError: neither one number nor as many as there are axes.

    >>> spread(3, ("height", "width"), "kernel")
    (3, 3)
    """
    listed = _listed(sizes)
    if len(listed) == 1:
        return listed * len(names)
    if len(listed) != len(names):
        expected = f"1 number or {len(names)} ({', '.join(names)})" if len(names) > 1 else "1 number"
        raise UsageError(f"{what} needs {expected}, got {len(listed)}: {_times(listed)}")
    return listed


def _times(sizes: Sequence[int]) -> str:
    return "x".join(map(str, sizes))


def _check(axis: Axis, *, word: bool, same: bool) -> None:
    least = {"input": (axis.size, 1), "kernel": (axis.kernel, 1), "stride": (axis.stride, 1)}
    least |= {"dilation": (axis.dilation, 1), "padding": (axis.before, 0), "output padding": (axis.output_padding, 0)}
    for what, (got, bound) in least.items():
        if got < bound:
            raise UsageError(f"the {what} must be at least {bound}, got {got} for the {axis.name}")
    if word and axis.transposed:
        raise UsageError("a transposed convolution takes padding in numbers, not 'same' or 'valid'")
    if same and axis.stride > 1:
        raise UsageError(f"padding 'same' needs stride 1, got {axis.stride} for the {axis.name}; give the padding")
    if axis.output_padding and not axis.transposed:
        raise UsageError("output padding belongs to a transposed convolution; leave it out, or say transposed")
    if axis.output_padding >= max(axis.stride, axis.dilation):
        raise UsageError(
            f"the output padding must be smaller than the stride or the dilation, got {axis.output_padding} for the "
            f"{axis.name} with stride {axis.stride} and dilation {axis.dilation}"
        )


def _mourned(axis: Axis) -> str:
    """Which axis became 0 or less, and what would help."""
    said = f"The {axis.name} would be {axis.steps}:"
    if axis.transposed:
        most = (axis.before + axis.after + axis.output - 1) // 2
        remedy = f"pad by at most {most}" if most >= 0 else "take a larger kernel or input"
        return f"{said} the padding of {axis.before} cuts it all away; {remedy}."
    least = -((axis.size - axis.extent) // 2)
    span = f"a kernel of {axis.kernel}" + (f", spread over {axis.extent}," if axis.dilation > 1 else "")
    return f"{said} {span} does not fit; take a smaller one, or pad by at least {least}."
