"""TI-FGSM: the smoothed gradient against a sum over shifts by hand, and its end with one pixel of kernel."""

import math

import pytest
import torch

from instruments.attacks.half_planes import PIXELS, curved, gradient
from snellen._errors import UsageError
from snellen.instruments.attacks._norms import Linf
from snellen.instruments.attacks.bim import BIM
from snellen.instruments.attacks.ti_fgsm import TIFGSM, gaussian


def test_the_kernel_is_a_gaussian_of_a_third_of_its_radius() -> None:
    exact = [[math.exp(-(i * i + j * j) / (2 * (7 / 3) ** 2)) for j in range(-7, 8)] for i in range(-7, 8)]
    expected = torch.tensor(exact, dtype=torch.float64) / sum(map(sum, exact))
    torch.testing.assert_close(gaussian(15).double(), expected, rtol=1e-4, atol=1e-9)


def test_a_step_follows_the_mean_over_shifts_of_the_gradient() -> None:
    network, labels = curved()
    made = TIFGSM(Linf(1.0), steps=1, step=80 / 255, kernel=3)(network, PIXELS, labels)
    weights = gaussian(3)
    assert made.success.any()
    for i in made.success.nonzero()[:, 0].tolist():
        slope = gradient(network, PIXELS[i : i + 1], labels[i])[0]
        mean = torch.zeros_like(slope)
        for down in (-1, 0, 1):
            for right in (-1, 0, 1):
                for y in range(6):
                    for x in range(6):
                        if 0 <= y + down < 6 and 0 <= x + right < 6:
                            mean[:, y, x] += weights[down + 1, right + 1] * slope[:, y + down, x + right]
        moved = ((made.images[i] - PIXELS[i]) * 255).round()
        clear = mean.abs() > 1e-4 * mean.abs().max()
        assert torch.equal(moved[clear], 80 * mean.sign()[clear])


def test_a_kernel_of_one_pixel_is_bim() -> None:
    network, labels = curved()
    one, bim = (attack(network, PIXELS, labels) for attack in (TIFGSM(Linf(0.1), kernel=1), BIM(Linf(0.1))))
    assert torch.equal(one.images, bim.images)


def test_an_even_kernel_has_no_middle() -> None:
    with pytest.raises(UsageError, match="kernel must be an odd number of pixels, got 4"):
        TIFGSM(kernel=4)
