"""Kernels sum to 1, and sums of moved copies are those of slow loops and of scipy."""

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import convolve, gaussian_filter, zoom

from instruments.corruptions.pictures import photos
from snellen.instruments.corruptions._blur import convolved, disk, moved, zoomed


@pytest.mark.parametrize(("radius", "soft", "side"), [(0.3, 0.4, 3), (1.5, 0.1, 5), (4, 0.5, 11), (10, 0.5, 25)])
def test_a_disk_sums_to_1_and_is_round(radius: float, soft: float, side: int) -> None:
    kernel = disk(radius, soft)
    assert kernel.shape == (side, side)
    assert float(kernel.sum()) == pytest.approx(1, abs=1e-6)
    assert torch.equal(kernel, kernel.T)
    assert torch.equal(kernel, kernel.flip(0))
    line = np.arange(side) - side // 2
    hard = (np.add.outer(line**2, line**2) <= radius**2).astype(float)
    reach = 1 if radius <= 8 else 2
    soft_one = gaussian_filter(hard / hard.sum(), soft, mode="constant", truncate=reach / soft)
    np.testing.assert_allclose(kernel, soft_one / soft_one.sum(), atol=1e-7)


def test_a_convolution_goes_on_as_in_a_mirror() -> None:
    pixels, kernel = photos(2, 9, 7), disk(1.5, 0.5)
    kernel = kernel * torch.rand(kernel.shape, generator=torch.Generator().manual_seed(0))  # not symmetric
    found = convolved(pixels, kernel)
    for image, result in zip(pixels.flatten(0, 1), found.flatten(0, 1), strict=True):
        expected = convolve(image.numpy(), kernel.numpy()[::-1, ::-1], mode="mirror")
        np.testing.assert_allclose(result, expected, atol=1e-6)
    assert convolved(photos(1, 2, 2), disk(8, 0.5)).shape == (1, 3, 2, 2)


@pytest.mark.parametrize("angle", [0.0, 45.0, -30.0, -100.0])
def test_a_point_that_moved_is_half_a_bell_along_a_line(angle: float) -> None:
    point = torch.zeros(2, 1, 41, 41)
    point[:, 0, 20, 20] = 1
    found = moved(point, 6, 2, torch.tensor([angle, 0.0]))[0, 0]
    assert float(found.sum()) == pytest.approx(1, abs=1e-6)
    bell = [math.exp(-0.5 * (step / 2) ** 2) for step in range(13)]
    expected = torch.zeros(41, 41)
    for step, height in enumerate(bell):
        down, right = (math.ceil(step * f(math.radians(angle)) - 0.5) for f in (math.sin, math.cos))
        expected[20 - down, 20 - right] += height / sum(bell)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("factor", [1.0, 1.07, 1.3, 2.25])
def test_an_enlarged_middle_is_scipys(factor: float) -> None:
    """As the benchmark's own code cuts and enlarges, for square images."""
    pixels = photos(1, 32, 32)
    kept = math.ceil(32 / factor)
    top = (32 - kept) // 2
    large = np.stack([zoom(c[top : top + kept, top : top + kept], factor, order=1) for c in pixels[0].numpy()])
    cut = (large.shape[1] - 32) // 2
    np.testing.assert_allclose(zoomed(pixels, factor)[0], large[:, cut : cut + 32, cut : cut + 32], atol=1e-5)
