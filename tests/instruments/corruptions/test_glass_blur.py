"""Frosted glass, against the recipe written out pixel by pixel."""

import numpy as np
import pytest
import torch

from instruments.corruptions.pictures import photos, streams
from snellen.instruments.corruptions.glass_blur import GlassBlur


@pytest.mark.parametrize(("reach", "times"), [(1, 1), (2, 3)])
@pytest.mark.parametrize(("height", "width"), [(9, 12), (14, 7)])
def test_equals_the_recipe_written_out_pixel_by_pixel(reach: int, times: int, height: int, width: int) -> None:
    """On arrays of colours, where the published swap of two pixels copies one of them; a bell of 0.05 blurs nothing."""
    pixels = photos(2, height, width)
    made = GlassBlur().corrupt(pixels, (0.05, reach, times), streams(pixels))
    shape = (2, times, height - 2 * reach, width - 2 * reach, 2)
    shifts = streams(pixels).integers(2 * reach, shape).numpy() - reach
    for image, shift, found in zip(pixels, shifts, made, strict=True):
        wanted = image.permute(1, 2, 0).numpy().copy()
        for once in shift:
            for h in range(height - reach, reach, -1):
                for w in range(width - reach, reach, -1):
                    down, right = once[h - reach - 1, w - reach - 1]
                    wanted[h, w], wanted[h + down, w + right] = wanted[h + down, w + right], wanted[h, w]
        np.testing.assert_array_equal(found.permute(1, 2, 0).numpy(), wanted)
        assert not np.array_equal(wanted, image.permute(1, 2, 0).numpy())


def test_neighbours_are_no_farther_than_the_reach_allows() -> None:
    """Two bands with a gap of grey: black and white never meet within one pass."""
    pixels = torch.zeros(1, 3, 32, 32)
    pixels[..., 12:20] = 128 / 255
    pixels[..., 20:] = 1.0
    made = GlassBlur().corrupt(pixels, (0.05, 4, 1), streams(pixels))
    assert (made[..., :8] < 1).all()
    assert set(made.unique().tolist()) == set(pixels.unique().tolist())


def test_the_bell_keeps_the_mean_of_wide_fields_and_smooths() -> None:
    pixels = photos(2, 80, 80)
    made = GlassBlur().corrupt(pixels, (2.0, 1, 1), streams(pixels))
    assert float(made.diff(dim=3).abs().mean()) < float(pixels.diff(dim=3).abs().mean())
    torch.testing.assert_close(made.mean(dim=(2, 3)), pixels.mean(dim=(2, 3)), rtol=0, atol=0.02)
