"""A cloud from 0 to 1, made by a slow loop too, and the light of the brightest pixel kept."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from instruments.corruptions.pictures import photos, streams
from snellen.instruments.corruptions import _plasma
from snellen.instruments.corruptions._plasma import plasma
from snellen.instruments.corruptions.fog import Fog


def test_a_cloud_is_that_of_a_loop_over_its_points(monkeypatch: pytest.MonkeyPatch) -> None:
    wobbles: list[Tensor] = []
    drawn = _plasma._wobble

    def keep(*arguments: Any) -> Tensor:
        wobbles.append(drawn(*arguments))
        return wobbles[-1]

    monkeypatch.setattr(_plasma, "_wobble", keep)
    found = plasma(8, 2.0, streams(photos(2)))[1].numpy()
    surface, step = np.zeros((8, 8)), 8
    taken = iter(wobbles)
    while step >= 2:
        half = step // 2
        for dy, dx in ((half, half), (0, half), (half, 0)):
            wobble = next(taken)[1].numpy()
            around = [(-half, -half), (-half, half), (half, -half), (half, half)]
            if (dy, dx) != (half, half):
                around = [(-half, 0), (half, 0), (0, -half), (0, half)]
            for y in range(8 // step):
                for x in range(8 // step):
                    row, column = y * step + dy, x * step + dx
                    mean = np.mean([surface[(row + a) % 8, (column + b) % 8] for a, b in around])
                    surface[row, column] = mean + wobble[y, x]
        step = half
    surface -= surface.min()
    np.testing.assert_allclose(found, surface / surface.max(), atol=1e-6)


def test_reach_falls_by_the_square_of_the_decay() -> None:
    rough, smooth = (plasma(32, decay, streams(photos(20))) for decay in (1.5, 3.0))
    detail = [float(cloud.diff(dim=2).square().mean()) for cloud in (rough, smooth)]
    assert detail[1] < 0.3 * detail[0]


def test_the_brightest_stays_the_limit_and_black_becomes_cloud() -> None:
    pixels = torch.zeros(1, 3, 32, 32)
    pixels[0, :, :4] = 0.8
    made = Fog(4)(pixels)
    cloud = plasma(32, 2.0, streams(pixels))
    torch.testing.assert_close(made[0, 0, 4:], (cloud[0] * 0.8 / 1.8)[4:], rtol=0, atol=0.51 / 255)
    assert float(made.max()) <= 0.8 + 0.51 / 255
