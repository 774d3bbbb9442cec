"""Boxes that were read in another format than they were written in."""

from checks.detection.made_scenes import SIDE, A, B, C, asked, detected, only
from checks.hand_made import table

SIZES = ((SIDE, SIDE),) * 8


def test_right_boxes_are_in_order() -> None:
    seen = detected([[(A, 0), (B, 1), (C, 0)]] * 8, [[(A, 0.9, 0), (B, 0.8, 1)]] * 8, sizes=SIZES)
    finding = only("box_format", seen)
    assert finding.severity == "ok"
    assert table(finding, "Impossible boxes under each reading").rows[0][2:] == (0, 0)


def test_parts_taken_for_pixels_are_seen() -> None:
    """A detector whose boxes are parts of the image: all are smaller than a pixel."""
    parts = [(tuple(x / SIDE for x in box), 0.9, 0) for box in (A, B, C)]
    finding = only("box_format", detected([[(A, 0), (B, 1), (C, 0)]] * 8, [parts] * 8, sizes=SIZES))  # type: ignore[list-item]
    assert finding.severity == "warning"
    assert "Of the detector" in finding.sentence
    assert "as parts of the image" in finding.sentence
    assert "Of the scenes" not in finding.sentence


def test_parts_of_the_image_are_seen_in_the_scenes_too() -> None:
    parts = [(tuple(x / SIDE for x in box), 0) for box in (A, B, C)]
    finding = only("box_format", detected([parts] * 8, [[(A, 0.9, 0), (B, 0.8, 0)]] * 8, sizes=SIZES))  # type: ignore[list-item]
    assert finding.severity == "warning"
    assert "Of the scenes: 24 of 24 boxes are impossible" in finding.sentence


def test_without_sizes_nothing_can_be_said() -> None:
    assert asked("box_format", detected([[(A, 0)]], [[]])) == []


def test_sizes_are_heights_and_widths() -> None:
    """A and B lie within 12 rows and 40 columns; within 12 columns B does not."""
    for size, beyond in (((12, 40), 0), ((40, 12), 8)):
        finding = only("box_format", detected([[(A, 0), (B, 1)]] * 8, [[]] * 8, sizes=(size,) * 8))
        assert table(finding, "Impossible boxes under each reading").rows[0][2] == beyond
