"""The IoU of boxes moved by known amounts, and errors that all boxes have in common."""

import pytest

from checks.detection.made_scenes import A, B, C, detected, only, shifted
from checks.hand_made import table


def test_the_iou_is_that_of_the_moved_boxes() -> None:
    """A 10 x 10 box moved by 2 overlaps 8 of 12 columns, moved by 1 it overlaps 9 of 11."""
    seen = detected([[(A, 0)], [(A, 1)]], [[(shifted(A, 2), 0.9, 0)], [(shifted(A, -1), 0.8, 1)]])
    finding = only("localisation", seen)
    assert finding.measured["mean_iou"] == pytest.approx((8 / 12 + 9 / 11) / 2)
    rows = {row[0]: row[1] for row in table(finding, "Errors that all boxes have in common").rows}
    assert rows["to the right"] == pytest.approx(100 * (0.2 - 0.1) / 2, abs=1e-4)
    assert rows["wider"] == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda b: shifted(b, 0.15 * (b[2] - b[0])), "shifted to the right by 15%"),
        (lambda b: shifted(b, 0, -0.2 * (b[3] - b[1])), "shifted upwards by 20%"),
        (lambda b: (b[0], b[1], b[2] + 0.3 * (b[2] - b[0]), b[3]), "too wide by 30%"),
    ],
)
def test_what_all_boxes_have_in_common_is_a_warning(change: object, words: str) -> None:
    count = 8
    truth = [[(A, 0), (B, 1), (C, 0)]] * count
    said = [[(change(A), 0.9, 0), (change(B), 0.8, 1), (change(C), 0.7, 0)]] * count  # type: ignore[operator]
    finding = only("localisation", detected(truth, said))
    assert finding.severity == "warning"
    assert words in finding.sentence


def test_errors_that_differ_are_none() -> None:
    """Moved by a fifth to the one side and the other: a worse mean IoU, and no warning."""
    truth = [[(A, 0), (B, 1), (C, 0)]] * 12
    said = [
        [(shifted(A, 2 * way), 0.9, 0), (shifted(B, 3.2 * way), 0.8, 1), (shifted(C, 4 * way), 0.7, 0)]
        for way in (1, -1) * 6
    ]
    finding = only("localisation", detected(truth, said))
    assert finding.severity == "info"
    assert finding.measured["mean_iou"] == pytest.approx(0.8 / 1.2)


def test_nothing_found_is_said() -> None:
    assert "No box overlaps one of 1 object" in only("localisation", detected([[(A, 0)]], [[(B, 0.9, 0)]])).sentence
