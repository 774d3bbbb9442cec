"""How much of a known slope lies in a box."""

import math

import pytest
import torch
from torch import Tensor

from checks.detection.made_scenes import FAR, SIDE, A, asked, detected, only
from checks.hand_made import gallery
from snellen.checks.detection.box_saliency import shares


def ones_in(box: tuple[float, float, float, float], inside: float, outside: float) -> Tensor:
    left, top, right, bottom = (int(x) for x in box)
    slope = torch.full((3, SIDE, SIDE), outside)
    slope[:, top:bottom, left:right] = inside
    return slope


def test_shares_count_parts_of_pixels() -> None:
    """A slope of 1 everywhere: the share within is that of the area, whatever the box; beyond the edge nothing is."""
    for box in ([0.5, 0.25, 3.75, 2.0], [-3.0, 0.0, 2.0, 8.0], [3.2, 3.3, 3.4, 3.9]):
        within, covered = shares(-torch.ones(1, 4, 6), torch.tensor(box))
        assert within == pytest.approx(covered)
    assert shares(torch.ones(1, 4, 4), torch.tensor([0.5, 0.0, 2.0, 4.0]))[1] == pytest.approx(6 / 16)
    one = torch.zeros(1, 4, 4)
    one[0, 1, 1] = 2.0
    assert shares(one, torch.tensor([1.0, 1.0, 1.5, 2.0]))[0] == pytest.approx(0.5)
    assert math.isnan(shares(torch.zeros(1, 4, 4), torch.tensor([0.0, 0.0, 1.0, 1.0]))[0])


@pytest.mark.parametrize(
    ("inside", "outside", "severity"), [(4.0, 1.0, "info"), (1.0, 1.0, "info"), (0.5, 1.0, "warning")]
)
def test_boxes_that_hang_on_their_surroundings_are_a_warning(inside: float, outside: float, severity: str) -> None:
    seen = detected([[(A, 0)]] * 8, [[(A, 0.9, 0)]] * 8, slope=lambda _i, _k: ones_in(A, inside, outside))
    finding = only("box_saliency", seen)
    assert finding.severity == severity
    part = 100 * inside / (100 * inside + (SIDE * SIDE - 100) * outside)
    assert finding.measured["slope_in_box"] == pytest.approx(part / (100 / SIDE**2))


def test_half_of_the_scenes_shown_have_a_wrong_box() -> None:
    said = [[(A, 0.9, 0)]] * 6 + [[(FAR, 0.95, 0)]] * 6
    asked_for: list[tuple[int, int]] = []

    def slope(scene: int, row: int) -> Tensor:
        asked_for.append((scene, row))
        return ones_in(A, 1.0, 0.0)

    finding = only("box_saliency", detected([[(A, 0)]] * 12, said, slope=slope), images=4)
    marks = [tile.mark for tile in gallery(finding, "Slopes of scores").tiles]
    assert marks == ["right", "right", "wrong", "wrong"]
    assert [scene < 6 for scene, _ in asked_for] == [True, True, False, False]


def test_a_slope_of_zero_is_a_warning() -> None:
    seen = detected([[(A, 0)]], [[(A, 0.9, 0)]], slope=lambda _i, _k: torch.zeros(3, SIDE, SIDE))
    finding = only("box_saliency", seen)
    assert finding.severity == "warning"
    assert "zero everywhere" in finding.sentence


def test_without_a_detector_there_is_no_slope() -> None:
    assert asked("box_saliency", detected([[(A, 0)]], [[(A, 0.9, 0)]])) == []
