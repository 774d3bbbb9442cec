"""The front door of the examination of detectors: some whose every answer is known, and nothing of them changed."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from checks.detection.made_scenes import SIDE, A, B, C, objects
from snellen._errors import ImagesError
from snellen.checks.detection import CHECKS
from snellen.exam.detect import detection_metrics, examine_detections
from snellen.findings.evidence import Gallery, HeatMap
from snellen.instruments.detection.detector import Detector
from snellen.report.schema import Document
from snellen.report.to_json import dumps
from snellen.subject.load.arrays import array_images
from snellen.subject.scenes import Scenes
from untouched import untouched

NAMES = ("red", "green", "blue")
BOXES = (A, B, C)


def scenes(count: int = 6) -> Scenes:
    """Black pictures with a rectangle of one pure colour, its class; the last one is empty."""
    pixels = np.zeros((count, SIDE, SIDE, 3), dtype=np.uint8)
    truth = []
    for i in range(count - 1):
        left, top, right, bottom = (int(x) for x in BOXES[i % 3])
        pixels[i, top:bottom, left:right, i % 3] = 255
        truth.append(objects((BOXES[i % 3], i % 3)))
    return Scenes(array_images(pixels, name="rectangles"), (*truth, objects()), class_names=NAMES)


class Seer(nn.Module):
    """Says, of each colour, where it begins and ends, as a detector of ours does: rows of 5 + C numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3)
        self.gain = nn.Parameter(torch.tensor(8.0))

    def forward(self, pixels: Tensor) -> Tensor:
        rows = []
        for colour in range(3):
            there = pixels[:, colour] > 0.5
            sides = []
            for axis in (1, 2):  # over the rows, which leaves columns; over the columns
                line = there.any(dim=axis).float()
                first, length = line.argmax(dim=1), line.sum(dim=1)
                sides += [(first + length / 2) / SIDE, length / SIDE]
            cx, w, cy, h = sides
            sure = self.gain * (pixels[:, colour].mean(dim=(1, 2)) > 0) - 4 + pixels[:, colour].mean(dim=(1, 2))
            classes = 9 * nn.functional.one_hot(torch.tensor(colour), 3).expand(len(pixels), 3)
            rows.append(torch.cat([torch.stack([sure, cx, cy, w, h], dim=1), classes], dim=1))
        return torch.stack(rows, dim=1)


def seer(**settings: Any) -> Detector:
    return Detector(Seer(), **{"class_names": NAMES, "side": (SIDE, SIDE), "name": "seer", **settings})


def test_a_perfect_detector_is_found_perfect_and_left_alone() -> None:
    detector = seer()
    with untouched(detector.module):
        found = examine_detections(detector, scenes())
    measured = found.measured
    assert [f"{f}" for f in (*found.errors, *found.warnings)] == []
    assert (measured["ap"], measured["ap50"], measured["ap75"]) == pytest.approx((1, 1, 1))
    assert measured["mean_iou"] == pytest.approx(1.0)
    of_candidates = set(CHECKS["nms_threshold"].metrics)  # the detector of one object suppresses nothing
    assert set(measured) == set(detection_metrics()) - of_candidates
    assert (measured["precision"], measured["recall"], measured["false_alarms"]) == (1.0, 1.0, 0.0)
    assert found.findings[0].check == "detection/average_precision"
    assert found.subject["network"] == "seer"
    assert Document.model_validate_json(dumps(found)).measured["ap50"] == pytest.approx(1.0)


def test_the_slope_of_a_box_is_shown() -> None:
    """The score is the mean of a colour: its slope is the same at every pixel, and 0 in the other colours."""
    found = examine_detections(seer(), scenes())
    (finding,) = [f for f in found if f.check == "detection/box_saliency"]
    (gallery,) = [e for e in finding.evidence if isinstance(e, Gallery)]
    maps = [p for tile in gallery.tiles for p in tile.pictures if isinstance(p, HeatMap)]
    assert len(maps) == 5
    for shown in maps:
        assert shown.raw is not None
        assert np.ptp(shown.values) == pytest.approx(0)
        assert (np.abs(shown.raw).sum(axis=(1, 2)) > 0).sum() == 1
    assert finding.measured["slope_in_box"] == pytest.approx(1.0, abs=1e-5)


def test_classes_are_compared_by_their_names() -> None:
    """Names in another order are put right; a class that the scenes do not know is left out and said."""
    given = scenes()
    reordered = replace(
        given,
        objects=tuple(replace(o, classes=2 - o.classes) for o in given.objects),
        class_names=tuple(reversed(NAMES)),
    )
    loud = seer(class_names=("Red", "GREEN", "blue"))
    assert examine_detections(loud, reordered).measured["ap50"] == pytest.approx(1.0)
    fewer = replace(given.subset([0, 1, 3, 4, 5]), class_names=("red", "green"))
    found = examine_detections(seer(), fewer)
    assert found.measured["ap50"] == pytest.approx(1.0)
    assert any("left out: blue" in note for note in found.subject["notes"])
    more = replace(given, class_names=(*NAMES, "mauve"), objects=(*given.objects[:-1], objects((A, 3))))
    assert any("does not know mauve" in note for note in examine_detections(seer(), more).subject["notes"])
    with pytest.raises(ImagesError, match="classes are compared by their names"):
        examine_detections(seer(class_names=("ant", "bee", "cat")), given)
    unnamed = examine_detections(seer(class_names=()), given)
    assert any("in the scenes' order" in note for note in unnamed.subject["notes"])
    assert unnamed.measured["ap50"] == pytest.approx(1.0)
    with pytest.raises(ImagesError, match="says class 2, and 2 are known"):
        examine_detections(seer(class_names=()), replace(fewer, images=given.images, objects=given.objects[:2] * 3))


def test_scenes_without_any_object_are_refused() -> None:
    empty = scenes(2)
    with pytest.raises(ImagesError, match="none of 2 images holds an object"):
        examine_detections(seer(), replace(empty, objects=(objects(), objects())))


def test_the_same_seed_gives_the_same_findings() -> None:
    once, again = (examine_detections(seer(), scenes(), seed=3) for _ in range(2))
    assert once.measured == again.measured


def test_a_check_that_crashes_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(_self: object, _seen: object) -> None:
        raise RuntimeError("no such luck")

    monkeypatch.setattr("snellen.checks.detection.localisation.Localisation.__call__", crash)
    found = examine_detections(seer(), scenes())
    (broken,) = found.warnings
    assert (broken.check, broken.title) == ("detection/localisation", "The check crashed")
    assert "no such luck" in broken.sentence
    assert len(found) > 8
