"""The counts are those of scipy's Poisson distribution, for the same random numbers."""

import numpy as np
import pytest
import torch
from scipy.stats import poisson

from instruments.corruptions.pictures import photos, streams
from snellen.instruments.corruptions.shot_noise import ShotNoise


@pytest.mark.parametrize("white", [500.0, 3.0])
def test_the_counts_are_the_quantiles_of_the_poisson_distribution(white: float) -> None:
    pixels = photos(2, 12, 12)
    pixels[0, 0, 0] = torch.linspace(0, 1, 12).mul(255).round() / 255
    found = ShotNoise().corrupt(pixels, (white,), streams(pixels)) * white
    chance = streams(pixels).uniform(pixels.shape).double().numpy()
    expected = poisson.ppf(chance, white * pixels.double().numpy().round(9)).clip(min=0)
    different = found.numpy().round() != expected
    assert different.mean() < 0.003  # a draw on the edge of two counts
    assert np.abs(found.numpy() - expected).max() < 1.01


def test_mean_and_variance() -> None:
    grey = torch.full((1, 3, 64, 64), 102 / 255)
    made = ShotNoise(5).corrupt(grey, (50.0,), streams(grey))
    assert float(made.mean()) == pytest.approx(0.4, abs=4 * (0.4 / 50 / made.numel()) ** 0.5)
    assert float(made.var()) == pytest.approx(0.4 / 50, rel=0.06)
