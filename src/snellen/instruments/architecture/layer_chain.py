"""What one neuron sees of the input through a chain of convolutions and poolings, step by step."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from snellen._errors import UsageError

_SPEC = re.compile(r"(k|pool)(\d{1,5}(?:x\d{1,5})*)((?:[spd]\d{1,5}(?:x\d{1,5})*)*)", re.IGNORECASE)
_COUNTED = 1 << 22


@dataclass(frozen=True)
class ChainLayer:
    """A layer that looks through a window, a convolution or a pooling; one number an axis, or one for all.

    >>> ChainLayer.parse("k3s2")
    ChainLayer(kernel=(3,), stride=(2,), padding=(0,), dilation=(1,))
    >>> ChainLayer.parse("pool2") == ChainLayer.parse("k2s2")
    True
    """

    kernel: tuple[int, ...]
    stride: tuple[int, ...] = (1,)
    padding: tuple[int, ...] = (0,)
    dilation: tuple[int, ...] = (1,)

    @classmethod
    def parse(cls, text: str) -> "ChainLayer":
        """Read ``k3s2p1d2``: kernel, stride, padding, dilation; ``k7x5`` has two axes; ``pool2`` is ``k2s2``.

        Raises:
            UsageError: it does not read like that, or a number is out of its range.
        """
        match = _SPEC.fullmatch(text.strip())
        if match is None:
            raise UsageError(
                "a layer reads like k3s2p1d2 (kernel 3, stride 2, padding 1, dilation 2), k7x5 or pool2; "
                f"got {text!r}, and a network's layer is asked for with --layer"
            )
        kind, kernel, rest = match.groups()
        found = re.findall(r"([spd])(\d+(?:x\d+)*)", rest, re.IGNORECASE)
        told = {letter.lower(): _numbers(digits) for letter, digits in found}
        if len(told) < len(found):
            raise UsageError(f"{text!r} says one of s, p and d twice; say each once")
        stride = told.get("s", _numbers(kernel) if kind.lower() == "pool" else (1,))
        layer = cls(_numbers(kernel), stride, told.get("p", (0,)), told.get("d", (1,)))
        if min(*layer.kernel, *layer.stride, *layer.dilation) < 1:
            raise UsageError(f"{text!r}: kernel, stride and dilation are at least 1")
        return layer


@dataclass(frozen=True)
class Field:
    """What one neuron of a layer sees of the input, along one axis.

    The neuron u sees ``size`` elements in a row, from u ``stride`` - ``padding`` on. ``read`` of them reach it:
    fewer where dilations or strides skip some; None where the field is too long to count them.
    """

    size: int = 1
    stride: int = 1
    padding: int = 0
    read: int | None = 1


def chain_fields(layers: Sequence[ChainLayer]) -> tuple[tuple[Field, ...], ...]:
    """The receptive field after every layer of a chain, one :class:`Field` an axis.

    size grows by dilation (kernel - 1) times the stride so far, the strides multiply, and padding grows by
    padding times the stride so far. Away from the border, where padding plays no part.

    Args:
        layers: from the input to the output.

    Raises:
        UsageError: no layers, or layers that speak of different numbers of axes.

    Reference: Araujo, Norris and Sim 2019, Computing Receptive Fields of Convolutional Neural Networks, Distill.

    >>> [axis.size for axis, in chain_fields([ChainLayer.parse(text) for text in ("k3s2", "k5s3", "k3s1")])]
    [3, 11, 23]
    """
    count = axis_count(layers)
    columns = [_along([along(layer, axis) for layer in layers]) for axis in range(count)]
    return tuple(zip(*columns, strict=True))


def axis_count(layers: Sequence[ChainLayer]) -> int:
    """How many axes a chain has.

    Raises:
        UsageError: no layers, or layers that speak of different numbers of axes.

    >>> axis_count([ChainLayer((3,)), ChainLayer((7, 5))])
    2
    """
    if not layers:
        raise UsageError("a chain needs a layer at least, such as k3s2")
    told = {
        len(n) for layer in layers for n in (layer.kernel, layer.stride, layer.padding, layer.dilation) if len(n) > 1
    }
    if len(told) > 1:
        raise UsageError(f"the layers of a chain have the same number of axes, got {sorted(told)}")
    return max(told, default=1)


def along(layer: ChainLayer, axis: int) -> tuple[int, int, int, int]:
    """A layer's kernel, stride, padding and dilation along one axis.

    >>> along(ChainLayer((7, 5), stride=(3,)), 1)
    (5, 3, 0, 1)
    """
    kernel, stride, padding, dilation = (
        numbers[axis] if len(numbers) > 1 else numbers[0]
        for numbers in (layer.kernel, layer.stride, layer.padding, layer.dilation)
    )
    return kernel, stride, padding, dilation


def counted_back(layers: Sequence[ChainLayer], *, axis: int = 0) -> tuple[int, ...]:
    """How many neurons of each layer before it one neuron of the last layer needs, the last layer's inputs first.

    n neurons in a row need (n - 1) stride + dilation (kernel - 1) + 1 inputs in a row.

    >>> counted_back([ChainLayer.parse(text) for text in ("k3s2", "k5s3", "k3s1")])
    (3, 11, 23)
    """
    needed = [1]
    for layer in reversed(layers):
        kernel, stride, _, dilation = along(layer, axis)
        needed.append((needed[-1] - 1) * stride + dilation * (kernel - 1) + 1)
    return tuple(needed[1:])


def _along(layers: Sequence[tuple[int, int, int, int]]) -> list[Field]:
    fields = [Field()]
    offsets: int | None = 1  # bit i: the element i after the first is read
    for kernel, stride, padding, dilation in layers:
        last = fields[-1]
        size = last.size + dilation * (kernel - 1) * last.stride
        offsets = None if offsets is None or size > _COUNTED else _repeated(offsets, kernel, dilation * last.stride)
        read = None if offsets is None else offsets.bit_count()
        fields.append(Field(size, last.stride * stride, last.padding + padding * last.stride, read))
    return fields[1:]


def _repeated(offsets: int, times: int, step: int) -> int:
    """The union of copies, each ``step`` after the one before."""
    done = 1
    while done < times:
        more = min(done, times - done)
        offsets |= offsets << (more * step)
        done += more
    return offsets


def _numbers(digits: str) -> tuple[int, ...]:
    return tuple(int(part) for part in digits.lower().split("x"))
