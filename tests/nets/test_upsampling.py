"""Maps become twice as large, evenly, by layers whose numbers are told as they are."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from snellen._errors import UsageError
from snellen.nets.upsampling import UPSAMPLINGS, told, upsampling


@pytest.mark.parametrize("name", UPSAMPLINGS)
def test_maps_become_twice_as_large_by_the_same_layers_evaluated_by_hand(name: str) -> None:
    torch.manual_seed(0)
    maps, module = torch.rand(2, 6, 5, 7), upsampling(name, 6, 4)
    found = module(maps)
    assert found.shape == (2, 4, 10, 14)
    (weight,) = module.parameters()
    if name in ("nearest", "bilinear"):
        corners = None if name == "nearest" else False
        larger = F.interpolate(maps, scale_factor=2, mode=name, align_corners=corners)
        expected = F.conv2d(larger, weight, padding=1)
    elif name == "transposed":
        spread = torch.zeros(2, 6, 9, 13)
        spread[:, :, ::2, ::2] = maps  # zeros between the values, then an ordinary convolution
        expected = F.conv2d(spread, weight.transpose(0, 1).flip(2, 3), padding=2)
    else:
        expected = F.pixel_shuffle(F.conv2d(maps, weight, padding=1), 2)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("name", UPSAMPLINGS)
def test_no_checkerboard_is_built_in(name: str) -> None:
    """Equal weights on an even map leave it even, but for the borders: every output is made of equally many inputs."""
    module = upsampling(name, 1, 1)
    for parameter in module.parameters():
        nn.init.ones_(parameter)
    inside = module(torch.ones(1, 1, 6, 6))[0, 0, 2:-2, 2:-2]
    assert inside.unique().numel() == 1
    uneven = nn.ConvTranspose2d(1, 1, 3, stride=2, padding=1, output_padding=1, bias=False)
    nn.init.ones_(uneven.weight)
    assert uneven(torch.ones(1, 1, 6, 6))[0, 0, 2:-2, 2:-2].unique().numel() > 1, "a kernel of 3 would have one"


def test_pixel_shuffle_begins_as_nearest_neighbours() -> None:
    module, maps = upsampling("pixelshuffle", 3, 2), torch.rand(1, 3, 4, 4)
    found = module(maps)
    small = found[:, :, ::2, ::2]
    torch.testing.assert_close(found, F.interpolate(small, scale_factor=2, mode="nearest"))
    assert small[0, 0].std() > 0


def test_the_numbers_that_are_told_are_those_of_the_layers() -> None:
    said = told(upsampling("pixelshuffle", 3, 2))
    assert said == "Conv2d(3 to 8, kernel 3, stride 1, padding 1), PixelShuffle(factor 2)"
    assert told(nn.Sequential(nn.ConvTranspose2d(1, 2, 5, stride=3))).endswith("kernel 5, stride 3, padding 0)")


def test_another_name_is_refused() -> None:
    with pytest.raises(UsageError, match="no upsampling named 'nearst'; did you mean nearest"):
        upsampling("nearst", 1, 1)
