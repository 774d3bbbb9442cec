"""A small convolution is a convolution: values, both gradients, and only where it is meant."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from snellen.training import small_maps
from snellen.training.small_maps import MOST_PIXELS, SmallMaps, small_convolution


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 2), (4, 4), (1, 5), (3, 2)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_it_is_the_convolution_and_so_are_its_gradients(height: int, width: int, layout: torch.memory_format) -> None:
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(3, 4, height, width, dtype=torch.float64, generator=generator)
    pixels = values.contiguous(memory_format=layout).requires_grad_()
    weight = torch.randn(5, 4, 3, 3, dtype=torch.float64, generator=generator).requires_grad_()
    found, expected = small_convolution(pixels, weight), F.conv2d(pixels, weight, padding=1)
    upstream = torch.randn(expected.shape, dtype=torch.float64, generator=generator)
    assert torch.allclose(found, expected)
    for one, other in zip(
        torch.autograd.grad(found, [pixels, weight], upstream),
        torch.autograd.grad(expected, [pixels, weight], upstream),
        strict=True,
    ):
        assert torch.allclose(one, other)


def used(module: nn.Module, pixels: Tensor, monkeypatch: pytest.MonkeyPatch, *, low: bool = True) -> bool:
    seen = []

    def spied(pixels: Tensor, weight: Tensor) -> Tensor:
        seen.append(pixels.dtype)
        return small_convolution(pixels, weight)

    monkeypatch.setattr(small_maps, "small_convolution", spied)
    with torch.autocast("cpu", torch.bfloat16, enabled=low), SmallMaps():
        found = module(pixels)
    with torch.autocast("cpu", torch.bfloat16, enabled=low):
        expected = module(pixels)
    assert found.dtype == expected.dtype
    assert torch.allclose(found.float(), expected.float(), atol=0.05, rtol=0.02)
    assert set(seen) <= {torch.bfloat16}
    return bool(seen)


@pytest.mark.parametrize("bias", [True, False])
def test_it_takes_the_place_of_small_convolutions(bias: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    assert used(nn.Conv2d(4, 6, 3, padding=1, bias=bias), torch.randn(2, 4, 4, 4), monkeypatch)


@pytest.mark.parametrize(
    ("module", "side"),
    [
        (nn.Conv2d(4, 6, 3, padding=1), MOST_PIXELS),
        (nn.Conv2d(4, 6, 3), 4),
        (nn.Conv2d(4, 6, 3, padding=1, stride=2), 4),
        (nn.Conv2d(4, 6, 3, padding=2, dilation=2), 4),
        (nn.Conv2d(4, 4, 3, padding=1, groups=2), 4),
        (nn.Conv2d(4, 6, 1), 4),
        (nn.Conv2d(4, 6, 3, padding="same"), 4),
    ],
    ids=["large", "no padding", "stride", "dilation", "groups", "1x1", "same"],
)
def test_other_convolutions_are_left_alone(module: nn.Module, side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not used(module, torch.randn(2, 4, side, side), monkeypatch)


def test_without_autocast_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not used(nn.Conv2d(4, 6, 3, padding=1), torch.randn(2, 4, 4, 4), monkeypatch, low=False)
