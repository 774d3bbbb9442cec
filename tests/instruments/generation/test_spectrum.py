"""Waves of known length and height are found; noise and real images show none."""

import math

import pytest
import torch

from snellen._errors import UsageError
from snellen.instruments.generation.spectrum import above, contrast, peak, radial, radius_of, spectrum


def noise(count: int = 200, side: int = 32, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, 1, side, side, generator=torch.Generator().manual_seed(seed))


def wave(period: int, side: int = 32) -> torch.Tensor:
    return torch.cos(2 * math.pi * torch.arange(side) / period)[None, None, :, None].expand(8, 1, -1, side)


@pytest.mark.parametrize("period", [2, 4, 8])
def test_a_wave_is_found_at_its_period_with_its_height(period: int) -> None:
    """The root mean square of a cosine is 1 / sqrt 2, of the one of period 2, which is +-1, it is 1."""
    power = spectrum(wave(period) + 1e-3 * noise(8)).power
    assert float(contrast(power, period)) == pytest.approx(1 if period == 2 else 0.5**0.5, rel=1e-3)
    assert float(peak(power, period)) > 8
    for other in {2, 4, 8} - {period}:
        assert float(peak(power, other)) < 2


def test_noise_has_no_pattern_and_power_in_proportion_to_area() -> None:
    found = spectrum(noise())
    for period in (2, 4, 8):
        groups = peak(found.groups, period)
        assert abs(float(groups.mean())) < 5 * float(groups.std()) / 8**0.5
    area = float(above(torch.ones(32, 32), 0.25))
    assert float(above(found.power, 0.25)) == pytest.approx(area, abs=0.01)
    at, values = radial(found.power)
    assert at.tolist() == [k / 32 for k in range(1, 17)]
    assert float(values.std() / values.mean()) < 0.1


def test_a_shuffle_of_unlike_channels_leaves_a_pattern() -> None:
    smooth = torch.nn.functional.interpolate(noise(64, 8), 16, mode="bilinear")
    four = torch.cat([smooth, smooth, smooth, smooth + 0.5], dim=1)
    shuffled = torch.nn.functional.pixel_shuffle(four, 2)
    assert float(peak(spectrum(shuffled).power, 2)) > 5
    assert float(contrast(spectrum(shuffled).power, 2)) == pytest.approx(0.5 * 3**0.5 / 4, rel=0.05)


def test_the_radius_leaves_the_share_above() -> None:
    power = spectrum(torch.nn.functional.avg_pool2d(noise(64, 66), 3, 1)).power
    radius = radius_of(power, 0.1)
    assert float(above(power, radius)) < 0.1 <= float(above(power, radius - 1e-9))


def test_the_mean_and_a_constant_have_no_power() -> None:
    assert float(spectrum(torch.full((8, 3, 16, 16), 0.7)).power.max()) < 1e-20
    assert torch.allclose(spectrum(noise(8) + 5).power, spectrum(noise(8)).power, rtol=1e-4, atol=1e-6)


def test_wrong_input() -> None:
    with pytest.raises(UsageError, match="sides of at least 8"):
        spectrum(torch.zeros(8, 1, 4, 4))
    with pytest.raises(UsageError, match="groups must be from 2 to the 3 images"):
        spectrum(torch.zeros(3, 1, 8, 8))
    with pytest.raises(UsageError, match="an even period that divides 32 and 32 twice over"):
        peak(torch.zeros(32, 32), 3)
