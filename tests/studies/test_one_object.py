"""The eight numbers and their slope by hand, and the study run once at its smallest."""

from dataclasses import replace

import pytest
import torch

from snellen._errors import UsageError
from snellen.findings.findings import Findings
from snellen.instruments.detection.detections import Detections
from snellen.report.schema import Document
from snellen.report.to_json import dumps
from snellen.studies import _scenes, one_object
from snellen.studies._one_object_findings import Judged
from snellen.studies.one_object import OneObject
from snellen.subject.scenes import Objects


def test_the_smallest_study(monkeypatch: pytest.MonkeyPatch) -> None:
    """The slope of an empty scene by hand: sigmoid of the objectness, and exactly 0 seven times."""
    monkeypatch.setattr(one_object, "TESTED", 8)
    for module in (one_object, _scenes):
        monkeypatch.setattr(module, "HELD", 8)
    study = OneObject(scenes=18, epochs=1)
    found = study.run()
    assert len(found.empty.numbers) == 8
    assert found.empty.slope[0] == pytest.approx(torch.tensor(found.empty.numbers[0]).sigmoid().item())
    assert found.empty.slope[1:] == (0.0,) * 7
    assert found.empty.losses[1:] == (0.0, 0.0)
    assert all(value != 0 for value in found.full.slope)
    assert sum(found.full.slope[5:]) == pytest.approx(0, abs=1e-6), "the slope of a cross-entropy adds up to 0"
    assert found.taught.objects + found.taught.empty == 8
    findings = study.findings(found)
    assert [f.check for f in findings] == ["study/one_object"] * 3
    worse = replace(found, blind=replace(found.blind, alarmed=3, empty=4))
    alarms = study.findings(worse)[2].measured
    assert alarms["alarms_trained_without_empty_scenes"] == 0.75
    assert study.about()["learned"].startswith("10 scenes")
    measured = Document.model_validate_json(dumps(Findings(findings))).measured
    assert measured["largest_other_slope_when_empty"] == 0.0


def test_what_a_detector_is_worth_by_hand() -> None:
    """Right, wrong class, nothing said; and two empty scenes, of which one is taken for a full one."""
    box = torch.tensor([[0.0, 0.0, 10.0, 10.0]])
    said = [
        Detections(box, torch.tensor([0.9]), torch.tensor([1])),
        Detections(box + torch.tensor([0.0, 0.0, 10.0, 0.0]), torch.tensor([0.8]), torch.tensor([0])),
        Detections(box[:0], torch.tensor([]), torch.tensor([], dtype=torch.int64)),
        Detections(box, torch.tensor([0.7]), torch.tensor([1])),
        Detections(box[:0], torch.tensor([]), torch.tensor([], dtype=torch.int64)),
    ]
    truth = [Objects(box, torch.tensor([1]))] * 3 + [Objects(box[:0], torch.tensor([]))] * 2
    sure = torch.tensor([0.9, 0.8, 0.1, 0.7, 0.2])
    judged = Judged.of(said, truth, sure, torch.tensor([True, True, True, False, False]))
    assert judged.mean_iou == pytest.approx((1 + 0.5 + 0) / 3)
    assert judged.accuracy == pytest.approx(1 / 3)
    assert (judged.found, judged.objects, judged.alarmed, judged.empty) == (2, 3, 1, 2)
    assert judged.objectness == pytest.approx(0.45)


def test_too_little_is_refused() -> None:
    with pytest.raises(UsageError, match="at least 120 scenes and 1 epoch, got 10 and 1"):
        OneObject(scenes=10, epochs=1)
