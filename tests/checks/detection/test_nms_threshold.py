"""A threshold that is too low or too high, and one that is neither."""

import pytest

from checks.detection.made_scenes import A, asked, detected, detections, only, shifted
from checks.hand_made import curve
from snellen.checks.detection._base import Detected
from snellen.instruments.detection.suppression import suppressed

NEAR = shifted(A, 6)
"""A neighbour of A: 4 of 16 columns are common, an IoU of 0.25."""
TWICE = [(A, 0.9, 0), (shifted(A, 1), 0.8, 0), (NEAR, 0.7, 0)]
"""The first two are at one object with an IoU of 9/11 = 0.82."""


def seen(threshold: float, scenes: int = 3) -> Detected:
    candidates = tuple(detections(*TWICE) for _ in range(scenes))
    kept = [
        [(tuple(b), s, k) for b, s, k in zip(d.boxes.tolist(), d.scores.tolist(), d.classes.tolist(), strict=True)]
        for d in (suppressed(said, threshold) for said in candidates)
    ]
    return detected([[(A, 0), (NEAR, 0)]] * scenes, kept, candidates=candidates, nms=threshold)


@pytest.mark.parametrize(
    ("threshold", "severity", "duplicates", "lost"),
    [(0.5, "info", 0, 0), (0.9, "warning", 3, 0), (0.1, "warning", 0, 3)],
)
def test_thresholds(threshold: float, severity: str, duplicates: int, lost: int) -> None:
    finding = only("nms_threshold", seen(threshold))
    assert finding.severity == severity
    assert finding.measured["best_nms_threshold"] == 0.5
    assert finding.measured["ap_at_best_nms_threshold"] == pytest.approx(1.0)
    drawn = curve(finding, "Duplicates and lost neighbours").series
    at = drawn["duplicates"][0].index(threshold)
    assert (drawn["duplicates"][1][at], drawn["lost neighbours"][1][at]) == (duplicates, lost)


def test_fewer_scenes_are_drawn_and_the_threshold_in_use_is_measured() -> None:
    finding = only("nms_threshold", seen(0.33, 8), images=2)
    assert 0.33 in curve(finding, "AP by threshold").series["greedy"][0]
    assert "4 objects" in finding.sentence


def test_one_candidate_an_image_needs_no_suppression() -> None:
    alone = (detections((A, 0.9, 0)),)
    assert asked("nms_threshold", detected([[(A, 0)]], [[(A, 0.9, 0)]], candidates=alone, nms=0.5)) == []
    assert asked("nms_threshold", detected([[(A, 0)]], [[(A, 0.9, 0)]])) == []
