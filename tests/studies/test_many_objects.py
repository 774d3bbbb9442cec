"""What is counted of crowds, by hand, and the study run once at its smallest."""

import pytest
import torch

from snellen._errors import UsageError
from snellen.instruments.detection.detections import Detections
from snellen.instruments.detection.nms_curve import THRESHOLDS, nms_curve
from snellen.instruments.detection.suppression import suppressed
from snellen.studies import _scenes, many_objects
from snellen.studies._many_objects_findings import Crowded
from snellen.studies._scenes import made
from snellen.studies.many_objects import ManyObjects
from snellen.subject.scenes import Objects


def test_counts_by_hand() -> None:
    """Two objects; three boxes at the first and one at the second, all sure, and one that is not."""
    one, two = [0.0, 0.0, 20.0, 20.0], [40.0, 40.0, 60.0, 60.0]
    boxes = torch.tensor([one, [1.0, 0.0, 21.0, 20.0], [0.0, 1.0, 20.0, 21.0], two, [70.0, 70.0, 80.0, 80.0]])
    said = Detections(boxes, torch.tensor([0.9, 0.8, 0.7, 0.6, 0.1]), torch.zeros(5, dtype=torch.int64))
    truth = (Objects(torch.tensor([one, two]), torch.tensor([0, 0])),)
    curve = nms_curve([said], truth, score=0.5, thresholds=THRESHOLDS)
    found = Crowded((said,), (suppressed(said, 0.5),), truth, ("a",), torch.zeros(3, 100, 100), {"greedy": curve})
    counted, chosen = ManyObjects().findings(found)
    assert counted.measured["candidates"] == 5
    assert counted.measured["sure_candidates"] == 4
    assert (counted.measured["precision_before"], counted.measured["precision_after"]) == (0.5, 1.0)
    assert (counted.measured["duplicates_before"], counted.measured["duplicates_after"]) == (2, 0)
    assert counted.measured["recall_before"] == counted.measured["recall_after"] == 1.0
    assert chosen.measured["duplicates_at_0_95"] == 2
    assert chosen.measured["ap_at_0_5"] == pytest.approx(1.0)


def test_the_smallest_study(monkeypatch: pytest.MonkeyPatch) -> None:
    """80 x 80 pixels and cells of eight: a hundred candidates a crowd."""
    for module in (many_objects, _scenes):
        monkeypatch.setattr(module, "HELD", 8)
    monkeypatch.setattr(many_objects, "WIDER", 1)
    found = ManyObjects(scenes=24, epochs=1, crowds=2).run()
    assert [len(said) for said in found.candidates] == [100, 100]
    assert all(len(kept) <= len(said) for kept, said in zip(found.kept, found.candidates, strict=True))
    assert [point.threshold for point in found.curves["greedy"]] == list(THRESHOLDS)


def test_scenes_are_composed_as_they_are_asked_for() -> None:
    scenes = made("test", 4, side=40, most=3, seed=0, empty=0.0, sizes=(0.2, 0.25))
    assert all(len(objects) for objects in scenes.objects)
    sides = torch.cat([objects.boxes[:, 2:] - objects.boxes[:, :2] for objects in scenes.objects])
    assert sides.amax() <= 0.25 * 40 + 2


def test_too_little_is_refused() -> None:
    with pytest.raises(UsageError, match="at least 120 scenes, 1 epoch and 1 crowd, got 800, 8 and 0"):
        ManyObjects(crowds=0)
