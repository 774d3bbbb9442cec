"""Our counts against PyTorch's counter of floating point operations."""

import random
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from snellen.instruments.architecture.multiply_adds import counting

aten = torch.ops.aten


def agrees(operation: Any, *args: Any) -> None:
    with FlopCounterMode(display=False) as counter:
        result = operation(*args)
    count = counting(operation)
    assert count is not None
    assert count(args, {}, result) * 2 == counter.get_total_flops() > 0, args


def test_convolutions_of_every_kind() -> None:
    drawn = random.Random(0)
    for _ in range(30):
        axes, groups, transposed = drawn.randint(1, 3), drawn.choice((1, 2)), drawn.random() < 0.5
        weight = torch.ones(4, 6 // groups, *[drawn.randint(1, 3)] * axes)
        image = torch.ones(2, 4 if transposed else 6, *(drawn.randint(4, 6) for _ in range(axes)))
        stride, none = [drawn.randint(1, 2)] * axes, [0] * axes
        agrees(aten.convolution.default, image, weight, None, stride, none, [1] * axes, transposed, none, groups)


def test_products() -> None:
    a, b = torch.ones(2, 3), torch.ones(3, 5)
    agrees(aten.mm.default, a, b)
    agrees(aten.addmm.default, torch.ones(5), a, b)
    agrees(aten.bmm.default, torch.ones(4, 2, 3), torch.ones(4, 3, 5))
    agrees(aten.baddbmm.default, torch.ones(4, 2, 5), torch.ones(4, 2, 3), torch.ones(4, 3, 5))


def test_what_costs_nothing_has_no_counter() -> None:
    assert counting(aten.relu.default) is None
