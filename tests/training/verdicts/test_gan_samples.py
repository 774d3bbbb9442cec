"""Images side by side on one sheet, each in its place."""

import numpy as np
import pytest
import torch

from snellen._errors import UsageError
from snellen.findings.evidence import Gallery
from snellen.training.verdicts.gan_samples import ROOM, samples, sheet


def test_every_image_is_in_its_place() -> None:
    levels = np.random.default_rng(0).integers(0, 256, (5, 3, 4, 6), dtype=np.uint8)
    found = sheet(levels, columns=3)
    assert found.shape == (ROOM + 2 * (4 + ROOM), ROOM + 3 * (6 + ROOM), 3)
    for i, image in enumerate(levels):
        top, left = ROOM + i // 3 * (4 + ROOM), ROOM + i % 3 * (6 + ROOM)
        assert np.array_equal(found[top : top + 4, left : left + 6], image.transpose(1, 2, 0))
    assert sheet(levels[:, :1])[ROOM, ROOM].tolist() == [levels[0, 0, 0, 0]] * 3
    with pytest.raises(UsageError, match=r"\(n, 1 or 3, h, w\), got \(5, 2, 4, 6\)"):
        sheet(levels[:, :2])


def test_samples_stand_beside_as_many_real_images() -> None:
    made = torch.linspace(-1, 1, 4 * 64).view(4, 1, 8, 8)
    found = samples(made, torch.full((9, 1, 8, 8), 7, dtype=torch.uint8), 1200)
    (gallery,) = found.evidence
    assert isinstance(gallery, Gallery)
    first, second = (tile.pictures[0].pixels for tile in gallery.tiles)
    assert (first[ROOM, ROOM, 0], first.max()) == (0, 255)
    assert (second == 7).all(axis=2).sum() == 4 * 64
    assert "1,200 steps" in found.sentence
