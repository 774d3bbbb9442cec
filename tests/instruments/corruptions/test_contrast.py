"""The mean of each channel stays, and its deviation is the part that the table says."""

import torch

from instruments.corruptions.pictures import photos
from snellen.instruments.corruptions.contrast import Contrast


def test_mean_and_deviation() -> None:
    pixels = photos(2)
    made = Contrast(5)(pixels)
    torch.testing.assert_close(made.mean(dim=(2, 3)), pixels.mean(dim=(2, 3)), rtol=0, atol=1e-3)
    torch.testing.assert_close(made.std(dim=(2, 3)), 0.15 * pixels.std(dim=(2, 3)), rtol=0.05, atol=0)
