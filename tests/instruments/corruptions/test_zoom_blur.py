"""The scales are those of the benchmark's code, and the image itself counts once more."""

import numpy as np
import pytest
import torch

from instruments.corruptions.pictures import photos
from snellen.instruments.corruptions._blur import zoomed
from snellen.instruments.corruptions.zoom_blur import ZoomBlur

SMALL = ((1.06, 0.01), (1.11, 0.01), (1.16, 0.01), (1.21, 0.01), (1.26, 0.01))
LARGE = ((1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03))


@pytest.mark.parametrize(("ours", "published"), [(ZoomBlur.small, SMALL), (ZoomBlur.large, LARGE)])
def test_scales(ours: tuple[tuple[float, float], ...], published: tuple[tuple[float, float], ...]) -> None:
    """The published ones are numpy's ranges, whose last value comes and goes with rounding."""
    for (count, step), (end, by) in zip(ours, published, strict=True):
        np.testing.assert_allclose(1 + step * np.arange(count), np.arange(1, end, by))


def test_the_mean_of_all_scales() -> None:
    pixels = photos(1)
    expected = (pixels + sum(zoomed(pixels, 1 + 0.01 * i) for i in range(7))) / 8
    torch.testing.assert_close(ZoomBlur(1)(pixels), expected, rtol=0, atol=0.51 / 255)
