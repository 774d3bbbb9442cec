"""Precision, recall, F1 and calibration, counted by hand."""

import pytest

from checks.detection.made_scenes import FAR, A, B, C, asked, detected, ignoring, only, shifted
from checks.hand_made import curve, table


def test_the_best_f1_is_found_by_hand() -> None:
    """Right at .9 and .7, wrong at .8 and .3, three objects: F1 is 2/4, 2/5, 4/6, 4/7 down the list."""
    said = [[(A, 0.9, 0), (FAR, 0.8, 0), (B, 0.7, 1), (shifted(A, 1), 0.3, 0)]]
    seen = detected([[(A, 0), (B, 1), (C, 0)]], said)
    measured = only("score_threshold", seen).measured
    assert measured["working_score"] == pytest.approx(0.7)
    assert measured["precision"] == pytest.approx(2 / 3)
    assert measured["recall"] == pytest.approx(2 / 3)
    assert measured["f1"] == pytest.approx(4 / 6)


def test_what_finds_something_ignored_is_not_counted() -> None:
    seen = ignoring(detected([[(A, 0), (C, 0)]], [[(A, 0.9, 0), (B, 0.95, 1), (FAR, 0.7, 0)]]), 0, (B, 1))
    measured = only("score_threshold", seen).measured
    assert (measured["precision"], measured["recall"], measured["working_score"]) == (1, 0.5, pytest.approx(0.9))
    rows = table(only("average_precision", seen, drawings=2), "Every class, the worst first").rows
    assert sorted(row[:3] for row in rows) == [("a", 2, 1), ("b", 0, 0)]


def test_boxes_of_one_score_are_believed_together() -> None:
    """One of two boxes said with the same score is wrong: no threshold takes only the other."""
    seen = detected([[(A, 0)]], [[(A, 0.6, 0), (FAR, 0.6, 0)]])
    finding = only("score_threshold", seen)
    assert finding.measured["f1"] == pytest.approx(2 / 3)
    x, precision = curve(finding, "Precision and recall by score").series["precision"]
    assert precision[x.index(pytest.approx(0.6))] == pytest.approx(0.5)


def test_the_calibration_error_is_the_mean_gap() -> None:
    """Four boxes of 0.85, three right: a gap of 0.1; two of 0.25, none right: 0.25; together (4 x .1 + 2 x .25) / 6."""
    truth = [[(A, 0), (B, 0)], [(A, 0)], []]
    high = [(A, 0.85, 0), (B, 0.85, 0), (FAR, 0.85, 0), (FAR, 0.25, 0)]
    finding = only("score_threshold", detected(truth, [high, [(A, 0.85, 0)], [(FAR, 0.25, 0)]]))
    assert finding.measured["calibration_error"] == pytest.approx((4 * 0.1 + 2 * 0.25) / 6, abs=1e-6)
    rows = table(finding, "Is a score what it says?").rows
    assert [row[1:4] for row in rows] == [(2, pytest.approx(0.25), 0.0), (4, pytest.approx(0.85), 0.75)]


def test_scores_that_promise_too_much_are_a_warning() -> None:
    right = detected([[(A, 0)]] * 40, [[(A, 0.95, 0)]] * 40)
    assert only("score_threshold", right).severity == "info"
    half = detected([[(A, 0)]] * 20 + [[]] * 20, [[(A, 0.95, 0)]] * 40)
    finding = only("score_threshold", half)
    assert (finding.severity, finding.title) == ("warning", "Scores promise too much")
    assert "50.0 %" in finding.sentence


def test_nothing_said_is_nothing_to_tell() -> None:
    assert asked("score_threshold", detected([[(A, 0)]], [[]])) == []
