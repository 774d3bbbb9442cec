"""Shapes without PyTorch against PyTorch's own."""

import random
from typing import Any

import pytest
import torch
from torch import Tensor

from snellen.instruments.architecture.shape_alone import shape_alone

aten = torch.ops.aten


def meta(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.empty(*shape, device="meta", dtype=dtype)


def test_convolutions_of_every_kind() -> None:
    drawn, refused = random.Random(0), 0
    for _ in range(200):
        axes, groups, transposed = drawn.randint(1, 3), drawn.choice((1, 1, 2)), drawn.random() < 0.4
        kernel = [drawn.randint(1, 5) for _ in range(axes)]
        stride = [drawn.randint(1, 3) for _ in range(axes)]
        padding, dilation = [drawn.randint(0, 3)] * axes, [drawn.randint(1, 2)] * axes
        more = [drawn.randint(0, s - 1) if transposed else 0 for s in stride]
        weight = meta(*((4, 3) if transposed else (6, 4 // groups)), *kernel)
        image = meta(1, 4, *(drawn.randint(2, 12) for _ in range(axes)))
        args: Any = (image, weight, None, stride, padding, dilation, transposed, more, groups)
        try:
            wanted = aten.convolution(*args)
        except RuntimeError:
            wanted = None
        wanted = None if wanted is None or 0 in wanted.shape else wanted
        found = shape_alone("convolution", args, {})
        refused += found is None
        assert (None if found is None else found.shape) == (None if wanted is None else wanted.shape), args
    assert 0 < refused < 100


@pytest.mark.parametrize(
    ("kind", "args"),
    [
        ("mm", (meta(2, 3), meta(3, 5))),
        ("addmm", (meta(5), meta(2, 3), meta(3, 5))),
        ("relu", (meta(2, 3),)),
        ("add", (meta(2, 3), meta(2, 3))),
        ("mul", (meta(2, 3), 2.0)),
    ],
)
def test_others(kind: str, args: Any) -> None:
    found = shape_alone(kind, args, {})
    wanted = getattr(aten, kind)(*args)
    assert (found.shape, found.dtype, found.device) == (wanted.shape, wanted.dtype, wanted.device)


def test_in_place_is_the_same_tensor() -> None:
    x = meta(2, 3)
    assert shape_alone("relu_", (x,), {}) is x


@pytest.mark.parametrize(
    ("kind", "args"),
    [
        ("add", (meta(2, 3), meta(3))),
        ("add", (meta(2), meta(2, dtype=torch.float64))),
        ("add", (meta(2, dtype=torch.int64), 1.5)),
        ("relu", (torch.zeros(2),)),
        ("mm", (meta(2, 3), meta(4, 5))),
        ("convolution", (meta(1, 3, 5, 5), meta(2, 4, 1, 1), None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1)),
        ("softmax", (meta(2, 3), 1, False)),
    ],
)
def test_what_is_not_plain_is_left_to_pytorch(kind: str, args: Any) -> None:
    assert shape_alone(kind, args, {}) is None
