"""Three points pulled decide where all others come from; a field of 0 moves nothing."""

from typing import Any

import numpy as np
import pytest
import torch

from instruments.corruptions.pictures import photos, streams
from snellen.instruments.corruptions import elastic
from snellen.instruments.corruptions.elastic import Elastic, _map, _pulled


def test_points_go_back_to_where_they_were() -> None:
    pulls = np.random.default_rng(0).normal(size=(3, 2))
    matrix, offset = _map(pulls, 20, 30)
    corners = np.array([10, 15]) + 6 * np.array([[1, 1], [-1, 1], [-1, -1]])
    np.testing.assert_allclose((corners + pulls) @ matrix.T + offset, corners)


def test_a_pull_of_all_points_by_whole_pixels_moves_the_image() -> None:
    image = photos(1, 16, 16)[0].numpy()
    moved = _pulled(image, *_map(np.tile([2.0, -3.0], (3, 1)), 16, 16), np.zeros((2, 16, 16)))
    np.testing.assert_allclose(moved[:, 2:, :13], image[:, :14, 3:], atol=1e-6)
    by_field = _pulled(image, np.eye(2), np.zeros(2), np.tile([[[-2.0]], [[3.0]]], (1, 16, 16)))
    np.testing.assert_allclose(by_field[:, 2:, :13], image[:, :14, 3:], atol=1e-6)


def test_nothing_pulled_is_nothing_changed() -> None:
    pixels = photos(2)
    torch.testing.assert_close(Elastic().corrupt(pixels, (0, 0, 0), streams(pixels)), pixels)


def test_a_field_is_as_large_and_as_smooth_as_its_setting_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """White noise of variance 1/3 under a bell of deviation s keeps 1 / (4 pi s^2) of its variance."""
    fields: list[Any] = []
    monkeypatch.setattr(elastic, "_pulled", lambda image, *_: fields.append(_[2]) or image)
    pixels = photos(12)
    Elastic(5)(pixels)
    smooth = 32 * 0.03
    expected = 3.2 * (1 / 3 / (4 * np.pi * smooth**2)) ** 0.5
    assert float(np.std(fields)) == pytest.approx(expected, rel=0.1)
