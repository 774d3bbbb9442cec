"""The noise has the mean and the deviation that its table says."""

import pytest
import torch

from snellen.instruments.corruptions.gaussian_noise import GaussianNoise


@pytest.mark.parametrize(("side", "severity", "std"), [(64, 1, 0.04), (64, 5, 0.10), (100, 2, 0.12)])
def test_mean_and_deviation(side: int, severity: int, std: float) -> None:
    grey = torch.full((1, 3, side, side), 128 / 255)
    change = GaussianNoise(severity)(grey) - grey
    count = change.numel()
    assert float(change.mean()) == pytest.approx(0, abs=4 * std / count**0.5)
    assert float(change.std()) == pytest.approx(std, rel=4 / (2 * count) ** 0.5 + 0.002)
    within = float((change.abs() < std).float().mean())
    assert within == pytest.approx(0.683, abs=0.03)  # of a normal distribution; of a uniform one 0.577
