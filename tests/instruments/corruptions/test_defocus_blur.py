"""A point becomes a disk; what the blur adds up to stays."""

import torch

from instruments.corruptions.pictures import photos
from snellen.instruments.corruptions.defocus_blur import DefocusBlur


def test_a_point_becomes_the_disk() -> None:
    point = torch.zeros(1, 1, 70, 70)
    point[0, 0, 35, 35] = 1
    made = DefocusBlur(1).corrupt(point, (3.0, 0.1), None)  # type: ignore[arg-type]
    assert int((made > 1e-3).sum()) == 29  # points with whole coordinates within 3 of the middle
    torch.testing.assert_close(made.sum(), torch.tensor(1.0))


def test_it_takes_away_detail_and_not_light() -> None:
    pixels = photos(2)
    made = DefocusBlur(5)(pixels)
    assert (made.std(dim=(2, 3)) < pixels.std(dim=(2, 3))).all()
    torch.testing.assert_close(made.mean(dim=(1, 2, 3)), pixels.mean(dim=(1, 2, 3)), rtol=0, atol=0.02)
