"""Detectors on the trunk of a classifier."""

import pytest
import torch

from snellen._errors import UsageError
from snellen.nets.detector import BEFORE, HEADS, RARE, GridDetector, SingleDetector

BUILT = {"widths": [4, 8]}


@pytest.mark.parametrize("classes", [1, 3, 20])
def test_five_numbers_and_one_a_class(classes: int) -> None:
    assert SingleDetector("strided", BUILT, classes=classes)(torch.rand(2, 3, 32, 48)).shape == (2, BEFORE + classes)
    made = GridDetector("strided", BUILT, classes=classes)
    assert made(torch.rand(2, 3, 32, 48)).shape == (2, 8, 12, BEFORE + classes)


def test_a_single_detector_finds_the_place_by_where_it_looks() -> None:
    """With one head on the brightest cell and nothing but its place in the output, the centre is that cell's middle."""
    made = SingleDetector("strided", BUILT, classes=1, hidden=1).eval()
    made.trunk, made.mixed = torch.nn.Identity(), torch.nn.Identity()  # type: ignore[assignment]  # maps go in
    with torch.no_grad():
        for parameter in (*made.heads.parameters(), *made.hidden.parameters(), *made.head.parameters()):
            parameter.zero_()
        made.heads.weight[0] = 100
        made.head.weight[1, -2 * HEADS], made.head.weight[2, -2 * HEADS + 1] = 1, 1
    maps = torch.zeros(1, 1, 4, 10)
    maps[0, 0, 1, 7] = 1
    assert made(maps)[0, 1:3].tolist() == pytest.approx([7.5 / 10, 1.5 / 4])


def test_a_grid_begins_with_usual_boxes_in_the_middle_of_its_cells_and_believes_in_none() -> None:
    made = GridDetector("strided", BUILT, classes=2, usual=(12.0, 6.0))
    with torch.no_grad():
        made.head.weight.zero_()
    rows = made(torch.rand(1, 3, 32, 48))[0]
    assert rows[..., 0].sigmoid().flatten().tolist() == pytest.approx([RARE] * 96)
    assert rows[5, 2, 1:BEFORE].tolist() == pytest.approx([2.5 / 12, 5.5 / 8, 12 / 48, 6 / 32])


def test_a_grid_is_a_convolution_and_takes_any_size() -> None:
    """Far from the edges, an object moved by a cell is said by the next cell, with the same numbers."""
    made = GridDetector("strided", BUILT, classes=2).eval()
    image = torch.zeros(1, 3, 96, 96)
    image[..., 44:52, 40:48] = 1
    first, moved = made(image), made(image.roll(4, dims=3))
    assert torch.allclose(first[0, 12, 10, BEFORE:], moved[0, 12, 11, BEFORE:], atol=1e-5)
    assert torch.allclose(first[0, 12, 10, 1:3] + torch.tensor([4 / 96, 0]), moved[0, 12, 11, 1:3], atol=1e-6)


def test_what_cannot_be_built_is_refused() -> None:
    with pytest.raises(UsageError, match="at least 1 class, got 0"):
        SingleDetector("strided", BUILT, classes=0)
    with pytest.raises(UsageError, match="at least 1 pixel"):
        GridDetector("strided", BUILT, classes=1, usual=(0.5, 9))
