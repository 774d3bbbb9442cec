"""The curve of thresholds, against suppression, precision and counts measured one by one."""

import numpy as np
import pytest
import torch

from snellen.instruments.detection.average_precision import coco_average_precision
from snellen.instruments.detection.boxes import iou
from snellen.instruments.detection.detections import Detections
from snellen.instruments.detection.nms_curve import nms_curve
from snellen.instruments.detection.suppression import suppressed
from snellen.subject.scenes import Objects


def scene(rng: np.random.Generator) -> tuple[Detections, Objects]:
    """Objects of one class that overlap, and three boxes around each, of different scores."""
    corner = rng.uniform(0, 20, (4, 2))
    truth = np.concatenate([corner, corner + 10], axis=1)
    said = np.repeat(truth, 3, axis=0) + np.repeat(rng.normal(0, 1, (12, 2)), 2, axis=0).reshape(12, 4)
    boxes = torch.tensor(said, dtype=torch.float32)
    scores = torch.tensor(rng.permutation(12) / 12, dtype=torch.float32)
    classes = torch.zeros(12, dtype=torch.int64)
    return Detections(boxes, scores, classes), Objects(torch.tensor(truth), classes[:4])


@pytest.mark.parametrize("method", ["greedy", "soft"])
def test_a_point_is_what_suppression_leaves(method: str) -> None:
    rng = np.random.default_rng(0)
    said, truth = zip(*(scene(rng) for _ in range(3)), strict=True)
    points = nms_curve(said, truth, score=0.3, thresholds=(0.2, 0.7), method=method)  # type: ignore[arg-type]
    for point in points:
        kept = [suppressed(one, point.threshold, method=method) for one in said]  # type: ignore[arg-type]
        assert point.ap == pytest.approx(coco_average_precision(kept, truth).mean)
        assert point.kept == pytest.approx(sum(int((one.scores >= 0.3).sum()) for one in kept) / 3)


def test_duplicates_and_lost_objects_by_the_matrix_of_overlaps() -> None:
    """One object, two boxes that both are at it, and a neighbour whose only box overlaps the first by 1/3."""
    first, twin, neighbour = (0.0, 0.0, 12.0, 6.0), (0.0, 0.0, 11.0, 6.0), (6.0, 0.0, 18.0, 6.0)
    boxes = torch.tensor([first, twin, neighbour])
    assert iou(boxes, boxes)[0].tolist() == pytest.approx([1, 11 / 12, 1 / 3])
    said = Detections(boxes, torch.tensor([0.9, 0.8, 0.7]), torch.zeros(3, dtype=torch.int64))
    truth = Objects(torch.tensor([first, neighbour]), torch.zeros(2, dtype=torch.int64))
    told = nms_curve([said], [truth], score=0.5, thresholds=(0.3, 0.5, 0.95))
    assert [(p.duplicates, p.lost, p.kept) for p in told] == [(0, 1, 1), (0, 0, 2), (1, 0, 3)]
    assert [p.ap50 for p in told] == pytest.approx([51 / 101, 1, 51 / 101 + 50 / 101 * 2 / 3])
    assert nms_curve([said], [truth], score=0.85, thresholds=(0.3,))[0].lost == 0, "the neighbour is not sure enough"
