"""The value of HSV is raised, as the standard library's conversion does it."""

import colorsys

import pytest
import torch

from instruments.corruptions.pictures import photos
from snellen.instruments.corruptions.brightness import Brightness


def test_hue_and_saturation_stay() -> None:
    pixels = photos(1, 8, 8)
    pixels[0, :, 0, 0], pixels[0, :, 0, 1] = 0.0, 1.0
    made = Brightness(5)(pixels)
    for before, after in zip(pixels[0].flatten(1).T.tolist(), made[0].flatten(1).T.tolist(), strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*before)
        expected = colorsys.hsv_to_rgb(hue, saturation, min(value + 0.3, 1))
        assert after == pytest.approx(expected, abs=0.51 / 255)


def test_grey_images_are_raised() -> None:
    pixels = torch.tensor([0.0, 51.0, 204.0]).view(1, 1, 1, 3) / 255
    assert Brightness(4)(pixels).mul(255).round().flatten().tolist() == [51, 102, 255]
