"""As many values are lost as the table says, half of them up, and all others stay."""

import pytest
import torch

from snellen.instruments.corruptions.impulse_noise import ImpulseNoise


@pytest.mark.parametrize(("side", "severity", "part"), [(64, 5, 0.07), (128, 5, 0.27)])
def test_salt_and_pepper(side: int, severity: int, part: float) -> None:
    grey = torch.full((1, 3, side, side), 128 / 255)
    made = ImpulseNoise(severity)(grey)
    for value, expected in ((0.0, part / 2), (1.0, part / 2), (float(grey[0, 0, 0, 0]), 1 - part)):
        found = float((made == value).float().mean())
        assert found == pytest.approx(expected, abs=4 * (expected * (1 - expected) / made.numel()) ** 0.5)
    alone = ((made == 0) | (made == 1)).sum(dim=1)
    assert (alone == 1).any()  # each channel by itself
