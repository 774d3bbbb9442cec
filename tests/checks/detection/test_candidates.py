"""Boxes before and after, and a limit on their number."""

import pytest

from checks.detection.made_scenes import FAR, A, B, asked, detected, detections, only, shifted
from checks.hand_made import gallery, table


def test_boxes_are_counted_before_and_after() -> None:
    before = [(A, 0.9, 0), (shifted(A, 1), 0.8, 0), (shifted(A, 0, 1), 0.3, 0), (FAR, 0.1, 1)]
    candidates = (detections(*before), detections(*before[:2]))
    seen = detected([[(A, 0)], [(A, 0)]], [[before[0], before[3]], [before[0]]], candidates=candidates, nms=0.5)
    finding = only("candidates", seen)
    assert finding.measured == {"candidates_an_image": 3.0, "detections_an_image": 1.5}
    rows = {row[0]: row[1:] for row in table(finding, "Boxes an image").rows}
    assert rows["before"] == (2, 2, 3.0, 4)
    assert rows["of these with the working score"] == (1, 1, 1.0, 1)
    first = gallery(finding, "Before and after").tiles[0]
    drawn = [[(o.kind, o.label) for o in p.boxes] for p in first.pictures]
    assert drawn[0] == [("truth", ""), ("right", ""), ("wrong", ""), ("wrong", ""), ("wrong", "")]
    assert drawn[1] == [("truth", ""), ("right", "a")]


def test_a_limit_is_seen() -> None:
    """Fifty boxes in three of five scenes and never more: something cuts them off; a box an image is no limit."""
    crowd = [(shifted(FAR, -i / 10), 0.5, 0) for i in range(50)]
    said = [crowd, crowd, crowd, crowd[:20], crowd[:7]]
    limited = asked("candidates", detected([[(A, 0)]] * 5, said))
    assert [f.title for f in limited] == ["From candidates to detections", "The number of boxes is limited"]
    assert limited[1].severity == "warning"
    assert "3 of 5 scenes end with exactly 50 boxes" in limited[1].sentence
    assert len(asked("candidates", detected([[(A, 0)]] * 5, [[(A, 0.5, 0)]] * 5))) == 1
    twice = detected([[(A, 0)]] * 5, [crowd, crowd, *said[3:], said[4]])
    assert len(asked("candidates", twice)) == 1, "two scenes may have as many by chance"
    all_kept = detected([[(A, 0)]] * 5, said, candidates=tuple(detections(*s) for s in said))
    assert len(asked("candidates", all_kept)) == 1, "as many before: none was cut off"


def test_a_set_without_objects_is_told_too() -> None:
    finding = only("candidates", detected([[(B, 0)], []], [[], []]))
    assert finding.measured["detections_an_image"] == pytest.approx(0)
