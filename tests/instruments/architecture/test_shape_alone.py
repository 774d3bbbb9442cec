"""Shapes without PyTorch against PyTorch's own."""

import random
from typing import Any

import pytest
import torch
from torch import Tensor

from reference_nets import built
from snellen.instruments.architecture import operation_watch
from snellen.instruments.architecture.shape_alone import shape_alone
from snellen.instruments.architecture.wiring import wiring

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
        found = shape_alone("convolution", args)
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
        ("mul", (meta(2, 3, 4), meta(2, 1, 4))),
        ("bmm", (meta(2, 3, 4), meta(2, 4, 5))),
        ("hardtanh", (meta(2, 3), 0.0, 6.0)),
        ("_softmax", (meta(2, 3), -1, False)),
        ("mean", (meta(2, 3, 4, 5), [-1, -2], True)),
        ("mean", (meta(2, 3, 4), [1])),
        ("cat", ([meta(2, 3, 4), meta(2, 5, 4)], -2)),
        ("_adaptive_avg_pool2d", (meta(1, 3, 9, 8), [7, 3])),
    ],
)
def test_others(kind: str, args: Any) -> None:
    found = shape_alone(kind, args)
    wanted = getattr(aten, kind)(*args)
    assert (found.shape, found.dtype, found.device) == (wanted.shape, wanted.dtype, wanted.device)
    assert found.stride() == wanted.stride()


def test_poolings_of_every_kind() -> None:
    drawn, refused = random.Random(1), 0
    for _ in range(100):
        kernel = [drawn.randint(1, 4), drawn.randint(1, 4)]
        stride, padding = [drawn.randint(1, 3)] * drawn.randint(0, 2), [drawn.randint(0, 2)]
        image, ceil = meta(1, 2, drawn.randint(1, 9), drawn.randint(1, 9)), drawn.random() < 0.5
        dilation = [drawn.randint(1, 2)]
        for kind, args in (
            ("max_pool2d_with_indices", (image, kernel, stride, padding, dilation, ceil)),
            ("avg_pool2d", (image, kernel, stride, padding, ceil, True, None)),
        ):
            found = shape_alone(kind, args)
            try:
                wanted = getattr(aten, kind)(*args)
            except RuntimeError:
                wanted = None
            refused += found is None
            if found is not None:
                assert wanted is not None, args
                first, other = (found[0], wanted[0]) if isinstance(found, tuple) else (found, wanted)
                assert first.shape == other.shape, args
    assert 0 < refused < 150


def test_normalisations_as_on_the_cpu() -> None:
    image, scale = meta(2, 3, 4, 5), meta(3)
    calls: list[tuple[str, Any]] = [
        ("native_batch_norm", (image, scale, scale, scale, scale, False, 0.1, 1e-5)),
        ("native_layer_norm", (image, [4, 5], meta(4, 5), None, 1e-5)),
    ]
    for kind, args in calls:
        real = [torch.ones(a.shape) if isinstance(a, Tensor) else a for a in args]
        found, wanted = shape_alone(kind, args), getattr(aten, kind)(*real)
        assert [t.shape for t in found] == [t.shape for t in wanted]


def test_the_usual_networks_ask_pytorch_for_views_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = set()

    def noted(kind: str, args: Any) -> Any:
        made = shape_alone(kind, args)
        asked.update([kind] if made is None else [])
        return made

    monkeypatch.setattr(operation_watch, "shape_alone", noted)
    for name in ("vgg11", "resnet18", "mobilenet_v2", "squeezenet1_1"):
        wiring(built(name), (3, 64, 64))
    assert asked == {"view", "t"}


def test_in_place_is_the_same_tensor() -> None:
    x = meta(2, 3)
    assert shape_alone("relu_", (x,)) is x


@pytest.mark.parametrize(
    ("kind", "args"),
    [
        ("add", (meta(2, 3), meta(3))),
        ("add", (meta(2, 3), meta(2, 4))),
        ("add_", (meta(2, 1), meta(2, 4))),
        ("relu", (meta(2, 3).t(),)),
        ("clamp", (meta(2, 3), meta(3))),
        ("cat", ([meta(2, 3), meta(3, 3)], 1)),
        ("mean", (meta(2, 3), [2])),
        ("bmm", (meta(2, 3, 4), meta(3, 4, 5))),
        ("add", (meta(2), meta(2, dtype=torch.float64))),
        ("add", (meta(2, dtype=torch.int64), 1.5)),
        ("relu", (torch.zeros(2),)),
        ("mm", (meta(2, 3), meta(4, 5))),
        ("convolution", (meta(1, 3, 5, 5), meta(2, 4, 1, 1), None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1)),
        ("softmax", (meta(2, 3), 1, False)),
    ],
)
def test_what_is_not_plain_is_left_to_pytorch(kind: str, args: Any) -> None:
    assert shape_alone(kind, args) is None
