"""COCO's numbers against pycocotools, VOC's against its published loop, both against sums done by hand."""

import contextlib
import io
import random
from typing import Any

import numpy as np
import pytest
import torch

from instruments.detection.scenes import scenes, with_ignored
from snellen import UsageError
from snellen.instruments.detection.average_precision import coco_average_precision, voc_average_precision
from snellen.instruments.detection.boxes import convert, iou
from snellen.instruments.detection.detections import Detections
from snellen.subject.scenes import Ignored, Objects


def of_pycocotools(truth: list[Objects], found: list[Detections], most: int) -> dict[str, Any]:
    """What COCOeval accumulates for three classes and ``most`` detections."""
    pycocotools = pytest.importorskip("pycocotools.cocoeval", reason="pycocotools is not installed")
    from pycocotools.coco import COCO

    annotations, results = [], []
    for i, (objects, said) in enumerate(zip(truth, found, strict=True)):
        for row, name in zip(convert(objects.boxes.double(), "xyxy", to="xywh").tolist(), objects.classes, strict=True):
            one = {"image_id": i + 1, "category_id": int(name) + 1, "bbox": row, "area": row[2] * row[3], "iscrowd": 0}
            annotations.append(one | {"id": len(annotations) + 1})
        aside = objects.ignored
        assert aside.crowd.all(), "it knows no other objects that are ignored"
        for row, name in zip(convert(aside.boxes.double(), "xyxy", to="xywh").tolist(), aside.classes, strict=True):
            one = {"image_id": i + 1, "category_id": int(name) + 1, "bbox": row, "area": row[2] * row[3], "iscrowd": 1}
            annotations.append(one | {"id": len(annotations) + 1})
        rows = convert(said.boxes.double(), "xyxy", to="xywh").tolist()
        for row, name, score in zip(rows, said.classes, said.scores.double().tolist(), strict=True):
            results.append({"image_id": i + 1, "category_id": int(name) + 1, "bbox": row, "score": score})
    with contextlib.redirect_stdout(io.StringIO()):
        gt = COCO()
        gt.dataset = {
            "images": [{"id": i + 1} for i in range(len(truth))],
            "annotations": annotations,
            "categories": [{"id": k + 1} for k in range(3)],
            "info": {},
        }
        gt.createIndex()
        judge = pycocotools.COCOeval(gt, gt.loadRes(results), "bbox")
        judge.params.maxDets = [1, most]
        judge.evaluate()
        judge.accumulate()
    accumulated: dict[str, Any] = judge.eval
    return accumulated


@pytest.mark.parametrize("seed", range(12))
def test_coco_is_what_pycocotools_says(seed: int) -> None:
    truth, found = scenes(seed, whole=seed % 3 > 0)
    if seed % 2:
        draw = random.Random(seed)
        truth = [with_ignored(objects, draw, crowd=True) for objects in truth]
    most = 2 if seed % 4 == 3 else 100
    theirs = of_pycocotools(truth, found, most)
    ours = coco_average_precision(found, truth, classes=3, most=most)
    curve, recall = theirs["precision"][..., 1], theirs["recall"][..., 1]
    assert np.allclose(ours.curve, np.where(curve < 0, np.nan, curve), rtol=0, atol=1e-9, equal_nan=True)
    assert np.allclose(ours.recall, np.where(recall < 0, np.nan, recall), rtol=0, atol=1e-9, equal_nan=True)
    assert ours.mean == pytest.approx(curve[:, :, :, 0][curve[:, :, :, 0] > -1].mean(), abs=1e-9)
    assert 0.05 < ours.mean < 0.95
    for i, size in enumerate(("all", "small", "medium", "large")):
        of_size = curve[:, :, :, i]
        assert ours.per_size[size] == pytest.approx(of_size[of_size > -1].mean(), abs=1e-9)


def plain_voc(truth: list[Objects], found: list[Detections], k: int, threshold: float) -> list[tuple[int, int]]:
    """(true, false) positives after each detection of a class, as VOCdevkit counts them, in plain Python.

    A detection nearest to a difficult object, with enough overlap, is passed over.
    """
    said = [(s, i, d) for i, f in enumerate(found) for d, (s, c) in enumerate(zip(f.scores, f.classes)) if c == k]  # noqa: B905
    said.sort(key=lambda row: -row[0])
    had: set[tuple[int, int]] = set()
    counts, right, wrong = [], 0, 0
    for _, i, d in said:
        there, aside = truth[i], truth[i].ignored
        boxes, classes = torch.cat([there.boxes, aside.boxes]), torch.cat([there.classes, aside.classes])
        overlap = iou(found[i].boxes[d, None].double(), boxes.double())[0].tolist()
        best = max(((o, -g) for g, o in enumerate(overlap) if classes[g] == k), default=(-1.0, 0))
        if best[0] >= threshold and -best[1] >= len(there):
            continue
        if best[0] >= threshold and (i, best[1]) not in had:
            had.add((i, best[1]))
            right += 1
        else:
            wrong += 1
        counts.append((right, wrong))
    return counts


@pytest.mark.parametrize("seed", range(6))
def test_voc_is_its_published_loop(seed: int) -> None:
    truth, found = scenes(seed)
    if seed % 2:
        draw = random.Random(seed)
        truth = [with_ignored(objects, draw, crowd=False) for objects in truth]
    area, eleven = (voc_average_precision(found, truth, classes=3, points=p) for p in ("area", "eleven"))  # type: ignore[arg-type]
    for k in range(3):
        objects = sum(int((t.classes == k).sum()) for t in truth)
        counts = plain_voc(truth, found, k, 0.5)
        after = [(right / (right + wrong), right) for right, wrong in counts]
        levels = [max((p for p, right in after if 10 * right >= step * objects), default=0.0) for step in range(11)]
        assert eleven.values[0, k, 0].item() == pytest.approx(sum(levels) / 11, abs=1e-12)
        assert eleven.curve[0, :, k, 0].tolist() == pytest.approx(levels)
        steps = [max((p for p, right in after if right >= n), default=0.0) for n in range(1, objects + 1)]
        assert area.values[0, k, 0].item() == pytest.approx(sum(steps) / objects, abs=1e-12)
        assert area.recall[0, k, 0].item() == pytest.approx(counts[-1][0] / objects)


def one_class(*rows: tuple[float, float, float, float, float]) -> Detections:
    table = torch.tensor(rows).reshape(-1, 5)
    return Detections(table[:, 1:], table[:, 0], torch.zeros(len(rows), dtype=torch.int64))


def test_by_hand() -> None:
    """Two objects; right, wrong, right: precision 1 up to a recall of 1/2, then 2/3."""
    truth = [Objects([[0, 0, 10, 10], [50, 50, 60, 60]], [0, 0])]
    found = [one_class((0.9, 0, 0, 10, 10), (0.8, 80, 80, 90, 90), (0.7, 50, 50, 60, 60))]
    coco = coco_average_precision(found, truth)
    assert coco.mean == pytest.approx((51 + 50 * 2 / 3) / 101)
    assert coco.per_threshold.tolist() == pytest.approx([coco.mean] * 10)
    assert coco.at(0.75) == pytest.approx(coco.mean)
    assert coco.curve[0, [0, 50, 51, 100], 0, 0].tolist() == pytest.approx([1, 1, 2 / 3, 2 / 3])
    assert voc_average_precision(found, truth).mean == pytest.approx((1 + 2 / 3) / 2)
    assert voc_average_precision(found, truth, points="eleven").mean == pytest.approx((6 + 5 * 2 / 3) / 11)


def test_the_overlap_decides_at_which_thresholds() -> None:
    truth, found = [Objects([[0, 0, 10, 10]], [0])], [one_class((0.9, 0, 0, 10, 7))]
    assert coco_average_precision(found, truth).per_threshold.tolist() == pytest.approx([1] * 5 + [0] * 5)
    assert voc_average_precision(found, truth, threshold=0.71).mean == 0


def test_voc_has_no_second_best_object() -> None:
    """Two detections nearest to one object: COCO gives the second the other object, VOC calls it a copy."""
    truth = [Objects([[0, 0, 10, 10], [0, 0, 10, 9]], [0, 0])]
    found = [one_class((0.9, 0, 0, 10, 10), (0.8, 0, 0, 10, 10))]
    assert coco_average_precision(found, truth, thresholds=(0.5,)).mean == 1
    assert voc_average_precision(found, truth).mean == pytest.approx(0.5)


def test_what_is_ignored_is_neither_right_nor_wrong() -> None:
    """Two objects, one of them difficult and found twice: as if that one and its boxes were not there."""
    difficult = Ignored([[50, 50, 60, 60]], [0], [False])  # type: ignore[arg-type]
    crowd = Ignored([[40, 40, 80, 80]], [0], [True])  # type: ignore[arg-type]
    sure = [(0.9, 50, 50, 60, 60), (0.8, 50, 50, 60, 59)]
    found = [one_class(*sure, (0.7, 0, 0, 10, 10), (0.6, 90, 90, 99, 99))]  # type: ignore[arg-type]
    for measure in (coco_average_precision, voc_average_precision):
        assert measure(found, [Objects([[0, 0, 10, 10], [50, 50, 60, 60]], [0, 0])]).mean < 0.99
        for aside in (difficult, crowd):
            truth = [Objects([[0, 0, 10, 10]], [0], aside)]
            assert measure(found, truth).recall[0, 0, 0] == 1
            assert measure(found, truth).at(0.5) == 1
            assert measure(found, [Objects([], [], aside)]).values.isnan().all(), "nothing is asked for"  # type: ignore[arg-type]


def test_what_is_perfect_and_what_is_nothing() -> None:
    truth, _ = scenes(0)
    perfect = [Detections(t.boxes, torch.ones(len(t)), t.classes) for t in truth]
    nothing = [one_class() for _ in truth]
    for measure in (coco_average_precision, voc_average_precision):
        assert measure(perfect, truth).mean == 1
        assert measure(nothing, truth).mean == 0
        assert torch.equal(
            measure(nothing, truth).recall.nan_to_num(), torch.zeros_like(measure(nothing, truth).recall)
        )
    for measure in (coco_average_precision, voc_average_precision):
        assert np.isnan(measure([], []).mean)
        assert np.isnan(measure([one_class((0.9, 0, 0, 1, 1))], [Objects([], [])], classes=2).mean)
    assert coco_average_precision(perfect, truth, classes=5).per_class.isnan().tolist() == [False] * 3 + [True] * 2


def test_what_cannot_be_judged() -> None:
    truth, found = [Objects([[0, 0, 10, 10]], [1])], [one_class((0.9, 0, 0, 10, 10))]
    with pytest.raises(UsageError, match="each of 1 images, got those of 0"):
        coco_average_precision([], truth)
    with pytest.raises(UsageError, match="from 0 to 0, got 0 to 1"):
        coco_average_precision(found, truth, classes=1)
    with pytest.raises(UsageError, match="NaN"):
        coco_average_precision([one_class((torch.nan, 0, 0, 1, 1))], truth)
    with pytest.raises(UsageError, match="left <= right"):
        voc_average_precision([one_class((0.5, 5, 0, 1, 1))], truth)
    with pytest.raises(UsageError, match="from 0 to 1"):
        voc_average_precision(found, truth, threshold=1.2)
    with pytest.raises(UsageError, match="no rule for points"):
        voc_average_precision(found, truth, points="ten")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="1 detection or more"):
        coco_average_precision(found, truth, most=0)
    with pytest.raises(UsageError, match="ranges of areas"):
        coco_average_precision(found, truth, sizes={"all": (5, 1)})
    with pytest.raises(UsageError, match=r"one of the thresholds \[0.5, 0.55"):
        coco_average_precision(found, truth).at(0.52)
