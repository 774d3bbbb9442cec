"""Reaches against brute force: which inputs a chain of operations reads, output by output."""

import random
from fractions import Fraction

import pytest
import torch

from snellen.instruments.architecture.operations import Window, windows_of
from snellen.instruments.architecture.reach import Reach


def reads(window: Window, output: int) -> list[int]:
    """The inputs that one output reads, from the definition."""
    taps = [k * window.dilation - window.padding for k in range(window.kernel)]
    if not window.transposed:
        return [output * window.stride + tap for tap in taps]
    return [x for x in range(output - 60, output + 60) if any(x * window.stride + tap == output for tap in taps)]


def slowly(chain: list[Window], output: int) -> tuple[int, int]:
    """The first and the last input of a chain, followed back one number at a time."""
    wanted = {output}
    for window in reversed(chain):
        wanted = {i for u in wanted for i in reads(window, u)}
    return min(wanted), max(wanted)


@pytest.mark.parametrize("seed", range(40))
def test_chains_against_brute_force(seed: int) -> None:
    drawn = random.Random(seed)
    chain = []
    for _ in range(drawn.randint(1, 4)):
        transposed, stride = drawn.random() < 0.4, drawn.randint(1, 3)
        kernel = drawn.randint(stride if transposed else 1, 5)
        dilation = 1 if transposed else drawn.randint(1, 2)
        padding = drawn.randint(-1, 3)
        chain.append(Window(kernel=kernel, stride=stride, padding=padding, dilation=dilation, transposed=transposed))
    whole = Reach(1, (0,), (0,))
    for window in chain:
        whole = Reach.of(window).after(whole)
    stride = Fraction(1)
    for window in chain:
        stride *= Fraction(1, window.stride) if window.transposed else window.stride
    assert whole.stride == stride
    for output in range(-3, 12):
        assert whole.at(output) == slowly(chain, output)


def test_the_closed_form_of_a_chain() -> None:
    """r = 1 + sum (k - 1) S, P = sum p S (Araujo et al. 2019): 7/2/3, 3/2/1, 3/1/1."""
    chain = [(7, 2, 3), (3, 2, 1), (3, 1, 1)]
    whole = Reach(1, (0,), (0,))
    for kernel, stride, padding in chain:
        whole = Reach.of(Window(kernel=kernel, stride=stride, padding=padding)).after(whole)
    assert (whole.sizes, whole.stride, -whole.at(0)[0]) == ((19, 19), 4, 9)
    assert whole.centre == 0


def test_two_reaches_of_one_stride_are_joined() -> None:
    narrow, wide = Reach.of(Window(kernel=1, stride=2)), Reach.of(Window(kernel=3, stride=2, padding=1))
    assert narrow.joined(wide) == wide
    uneven = Reach(4, (0, 3), (1, 3))
    both = narrow.joined(uneven)
    assert [both.at(u) for u in range(3)] == [(0, 1), (2, 3), (4, 5)]


def test_blocks_are_read_as_a_whole() -> None:
    tokens = Reach.block(4, 1, whole=False)
    assert [tokens.at(u) for u in (0, 3, 4, 9)] == [(0, 3), (0, 3), (4, 7), (8, 11)]
    across = Reach.block(2, 4, whole=True)
    assert [across.at(u) for u in (0, 5)] == [(0, 4), (1, 5)]
    assert tokens.after(across) == Reach.constant(0, 7)


def test_windows_skip_or_overlap() -> None:
    assert Window(kernel=1, stride=2).skips
    assert not Window(kernel=2, stride=2).skips
    assert Window(kernel=3, stride=2, transposed=True).uneven
    assert not Window(kernel=4, stride=2, transposed=True).uneven


@pytest.mark.parametrize("dilation", [1, 2, 3])
@pytest.mark.parametrize("stride", [1, 2, 3, 4])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
def test_what_a_transposed_window_sums_is_what_the_layer_does(kernel: int, stride: int, dilation: int) -> None:
    layer = torch.nn.ConvTranspose1d(1, 1, kernel, stride, dilation=dilation, bias=False)
    torch.nn.init.ones_(layer.weight)
    made = layer(torch.ones(1, 1, 60))[0, 0, 20:-20]
    window = Window(kernel=kernel, stride=stride, dilation=dilation, transposed=True)
    assert window.summed == (int(made.min()), int(made.max()))
    assert window.uneven == (len(made.unique()) > 1)


def test_windows_of_paddings_stand_in_the_order_of_the_axes() -> None:
    windows = windows_of("constant_pad_nd", {"pad": (1, 2, 3, 4)}, ())
    assert [w.padding for w in windows] == [3, 1]
    assert windows_of("relu", {}, ()) == ()
