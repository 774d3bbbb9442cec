"""The sizes are those of the layers of torch.nn, for valid and for impossible settings."""

import random
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from snellen import UsageError
from snellen.instruments.architecture.convolution import AXES, Convolution, convolution

LAYERS: dict[tuple[int, bool], Any] = {
    (1, False): nn.Conv1d,
    (2, False): nn.Conv2d,
    (3, False): nn.Conv3d,
    (1, True): nn.ConvTranspose1d,
    (2, True): nn.ConvTranspose2d,
    (3, True): nn.ConvTranspose3d,
}


def drawn(seed: int) -> dict[str, Any]:
    """Any configuration, about a third of them without an output."""
    draw = random.Random(seed)
    axes = draw.randint(1, 3)

    def numbers(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw.randint(low, high) for _ in range(axes))

    transposed = draw.random() < 0.5
    stride, dilation = numbers(1, 3), numbers(1, 3)
    extra = tuple(draw.randint(0, max(s, d) - 1) for s, d in zip(stride, dilation, strict=True))
    return {
        "size": numbers(1, 7),
        "kernel": numbers(1, 4),
        "stride": stride,
        "padding": numbers(0, 3),
        "dilation": dilation,
        "output_padding": extra if transposed and draw.random() < 0.5 else 0,
        "transposed": transposed,
    }


def real(given: dict[str, Any]) -> tuple[int, ...] | None:
    """What the layer does; None if it refuses, or gives nothing (transposed ones sometimes do, with an axis of 0)."""
    size = given["size"]
    layer = LAYERS[len(size), given["transposed"]]
    names = ("stride", "padding", "dilation", *("output_padding",) * given["transposed"])
    made = layer(1, 1, given["kernel"], bias=False, **{name: given[name] for name in names})
    try:
        with torch.no_grad():
            shape = tuple(made(torch.zeros(1, 1, *size)).shape[2:])
    except RuntimeError:
        return None
    return shape if min(shape) > 0 else None


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32))
def test_1000_configurations_are_those_of_the_layers(seed: int) -> None:
    for i in range(50):
        given = drawn(50 * seed + i)
        expected, names = real(given), AXES[len(given["size"])]
        if expected is None:
            with pytest.raises(UsageError, match="nothing is left of the input") as caught:
                convolution(**given)
            told = [name for name in names if f"The {name} would be" in str(caught.value)]
            one_by_one = [real({key: alone(value, axis) for key, value in given.items()}) for axis in range(len(names))]
            assert told == [name for name, size in zip(names, one_by_one, strict=True) if size is None] != [], given
        else:
            done = convolution(**given)
            assert done.output == expected, given
            assert all(axis.steps.endswith(f" = {n}") for axis, n in zip(done.axes, expected, strict=True))


def alone(value: Any, axis: int) -> Any:
    return (value[axis],) if isinstance(value, tuple) else value


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize("size", [5, (6, 7), (3, 4, 5)])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4])
@pytest.mark.parametrize("dilation", [1, 2])
def test_same_and_valid_are_those_of_the_layer(size: Any, kernel: int, dilation: int) -> None:
    sizes = (size,) if isinstance(size, int) else size
    for padding in ("same", "valid"):
        layer = LAYERS[len(sizes), False](1, 1, kernel, padding=padding, dilation=dilation)
        done = attempt(size, kernel, padding=padding, dilation=dilation)
        try:
            expected = tuple(layer(torch.zeros(1, 1, *sizes)).shape[2:])
        except RuntimeError:
            assert done is None
        else:
            assert done is not None
            assert done.output == expected


def attempt(*args: Any, **kwargs: Any) -> Convolution | None:
    try:
        return convolution(*args, **kwargs)
    except UsageError:
        return None


@pytest.mark.parametrize(
    ("given", "steps"),
    [
        ({"kernel": 3, "dilation": 2}, "⌊(9 + 2·0 − 2·(3 − 1) − 1) / 1⌋ + 1 = ⌊4 / 1⌋ + 1 = 4 + 1 = 5"),
        ({"kernel": 4, "padding": "same"}, "⌊(9 + 1 + 2 − 4) / 1⌋ + 1 = ⌊8 / 1⌋ + 1 = 8 + 1 = 9"),
        (
            {"kernel": 4, "stride": 2, "padding": 1, "transposed": True},
            "(9 − 1)·2 − 2·1 + 4 + 0 = 16 − 2 + 4 + 0 = 18",
        ),
        (
            {"kernel": 3, "stride": 2, "dilation": 3, "output_padding": 1, "transposed": True},
            "(9 − 1)·2 − 2·0 + (3·(3 − 1) + 1) + 1 = 16 − 0 + 7 + 1 = 24",
        ),
    ],
)
def test_the_steps_are_a_calculation(given: dict[str, Any], steps: str) -> None:
    (axis,) = convolution(9, **given).axes
    assert axis.steps == steps
    python = steps.translate(str.maketrans("−·⌊⌋", "-*()")).replace(" / ", " // ")
    assert {eval(part) for part in python.split(" = ")} == {axis.output}


def test_positions_that_are_not_read_are_counted() -> None:
    """Against the gradient of the input: what has none was not read."""
    for size, kernel, stride, padding in [(9, 2, 4, 0), (10, 3, 3, 1), (12, 3, 4, 1), (8, 1, 3, 0)]:
        pixels = torch.zeros(1, 1, size, requires_grad=True)
        weight = torch.ones(1, 1, kernel)
        torch.nn.functional.conv1d(pixels, weight, stride=stride, padding=padding).sum().backward()
        assert pixels.grad is not None
        unread = int((pixels.grad == 0).sum())
        (axis,) = convolution(size, kernel, stride=stride, padding=padding).axes
        rest = max((size + 2 * padding - kernel) % stride - padding, 0)
        between = max(stride - kernel, 0) * (axis.output - 1)
        assert unread == rest + between
        assert any(f"({rest} of the input)" in note for note in axis.notes) == (rest > 0)
        assert any("between two windows" in note for note in axis.notes) == (between > 0)


def test_a_transposed_convolution_that_covers_unevenly_is_told() -> None:
    assert "made of 1 or 2 inputs, in turn (checkerboard" in convolution(4, 3, stride=2, transposed=True).notes[0]
    assert convolution(4, 4, stride=2, transposed=True).notes == ()
    assert "made of 0 or 4 inputs" in convolution(4, 4, stride=2, dilation=2, transposed=True).notes[0]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"size": (1, 2, 3, 4)}, "one, two or three axes, got 4: 1x2x3x4"),
        ({"size": (5, 5), "kernel": (3, 3, 3)}, r"kernel needs 1 number or 2 \(height, width\), got 3"),
        ({"stride": 0}, "stride must be at least 1, got 0 for the length"),
        ({"kernel": 0}, "kernel must be at least 1"),
        ({"dilation": 0}, "dilation must be at least 1"),
        ({"padding": -1}, "padding must be at least 0"),
        ({"padding": "reflect"}, "'same' or 'valid', got 'reflect'"),
        ({"padding": "same", "stride": 2}, "padding 'same' needs stride 1, got 2"),
        ({"padding": "same", "transposed": True}, "not 'same' or 'valid'"),
        ({"output_padding": 1}, "belongs to a transposed convolution"),
        ({"output_padding": 2, "stride": 2, "transposed": True}, "must be smaller than the stride or the dilation"),
        ({"size": (9, 2), "kernel": (3, 5)}, "The width would be .* = −2: a kernel of 5 .* pad by at least 2"),
        ({"size": 2, "kernel": 3, "padding": 3, "transposed": True}, "= −2: .* pad by at most 1"),
    ],
)
def test_errors(given: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        convolution(**{"size": 9, "kernel": 3, **given})


@pytest.mark.parametrize(("size", "kernel", "dilation"), [(2, 5, 1), (1, 3, 4), (4, 7, 1)])
def test_the_padding_that_is_advised_is_the_least_that_helps(size: int, kernel: int, dilation: int) -> None:
    with pytest.raises(UsageError) as caught:
        convolution(size, kernel, dilation=dilation)
    least = int(str(caught.value).rpartition("at least ")[2].removesuffix("."))
    assert attempt(size, kernel, dilation=dilation, padding=least) is not None
    assert attempt(size, kernel, dilation=dilation, padding=least - 1) is None
