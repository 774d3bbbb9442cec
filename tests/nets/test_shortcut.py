"""Projections: the stride that the shapes ask for, and the layer that makes it."""

import pytest
import torch
from torch import nn

from snellen.nets.shortcut import SequentialWithShortcut, projection, strides


def test_a_stride_is_found_exactly_where_there_is_one() -> None:
    for size in range(1, 30):
        reached = {}
        for stride in range(size, 0, -1):
            reached[nn.Conv1d(1, 1, 1, stride=stride)(torch.zeros(1, 1, size)).shape[2]] = stride
        for wanted in range(1, 35):
            expected = (reached[wanted],) if wanted in reached else None
            assert strides((size,), (wanted,)) == expected, (size, wanted)


@pytest.mark.parametrize(
    ("before", "after"), [((3,), (5,)), ((3, 7), (4, 4)), ((3, 9, 6), (3, 3, 6)), ((2, 4, 5, 6), (2, 2, 5, 2))]
)
def test_the_layer_brings_one_shape_to_the_other(before: tuple[int, ...], after: tuple[int, ...]) -> None:
    state = torch.get_rng_state()
    layer = projection(before, after, seed=3)
    assert torch.equal(torch.get_rng_state(), state)
    assert layer is not None
    assert layer(torch.zeros(2, *before)).shape == (2, *after)
    assert layer.bias is None
    again = projection(before, after, seed=3)
    assert again is not None
    assert torch.equal(again.weight, layer.weight)
    zero = projection(before, after, zero=True)
    assert zero is not None
    assert not zero.weight.any()


@pytest.mark.parametrize(("before", "after"), [((3, 4), (3,)), ((3, 4), (3, 5)), ((3, 8, 8), (3, 5, 8)), ((), ())])
def test_where_there_is_none(before: tuple[int, ...], after: tuple[int, ...]) -> None:
    assert projection(before, after) is None


def test_a_sequential_leaves_its_shortcut_out() -> None:
    net = SequentialWithShortcut(nn.Linear(2, 3), nn.Tanh())
    x = torch.rand(4, 2)
    expected = net(x)
    net.add_module("shortcut", nn.Linear(5, 5))
    net.__class__ = type("Net", (SequentialWithShortcut,), {"left_out": frozenset({"shortcut"})})
    assert torch.equal(net(x), expected)
