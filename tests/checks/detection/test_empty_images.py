"""False alarms where there is nothing."""

import pytest

from checks.detection.made_scenes import FAR, A, B, C, detected, ignoring, only
from checks.hand_made import gallery


def test_without_empty_images_nothing_is_known() -> None:
    finding = only("empty_images", detected([[(A, 0)]], [[(A, 0.9, 0)]]))
    assert (finding.severity, finding.title) == ("info", "Images without objects were not seen")
    assert not finding.measured


def test_false_alarms_are_counted() -> None:
    """Two boxes in one of four empty images; one below the working score of 0.5 does not count."""
    truth = [[(A, 0)]] * 4 + [[]] * 4
    said = [[(A, 0.5, 0)]] * 4 + [[(A, 0.9, 0), (FAR, 0.6, 0)], [(A, 0.2, 0)], [], []]
    finding = only("empty_images", detected(truth, said))
    assert finding.measured["false_alarms"] == pytest.approx(0.5)
    assert finding.measured["images_with_false_alarm"] == pytest.approx(0.25)
    assert finding.severity == "info"
    (tile,) = gallery(finding, "Surest false alarms on images without objects").tiles
    assert tile.image == 4
    assert tile.lines == ("2 wrong",)


def test_an_objectness_that_is_always_high_is_a_warning() -> None:
    """As of a detector that never saw an empty image: as sure there as elsewhere."""
    truth = [[(A, 0)]] * 10 + [[]] * 10
    finding = only("empty_images", detected(truth, [[(A, 0.99, 0)]] * 20))
    assert (finding.severity, finding.title) == ("warning", "It sees objects everywhere")
    quiet = only("empty_images", detected(truth, [[(A, 0.99, 0)]] * 10 + [[(A, 0.1, 0)]] * 10))
    assert quiet.severity == "ok"


def test_an_image_with_something_ignored_is_not_empty() -> None:
    """A box there may well be right; without another empty image nothing is known of false alarms."""
    seen = ignoring(detected([[(A, 0)], []], [[(A, 0.9, 0)], [(B, 0.9, 0)]]), 1, (C, 0))
    assert only("empty_images", seen).title == "Images without objects were not seen"
