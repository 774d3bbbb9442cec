"""Against the plainest Python: two loops, nothing shared with what is tested."""

import random
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from snellen import UsageError
from snellen.instruments.detection import nms as module
from snellen.instruments.detection.nms import class_wise_nms, nms


def plain(boxes: Tensor, scores: Tensor, threshold: float, classes: Sequence[int] | None = None) -> list[int]:
    """Greedy suppression in Python's own floats, which are float64."""
    rows, sure = boxes.tolist(), scores.tolist()
    kept: list[int] = []
    for i in sorted(range(len(rows)), key=lambda i: -sure[i]):
        left, top, right, bottom = rows[i]
        for k in kept:
            if classes is not None and classes[i] != classes[k]:
                continue
            west, north, east, south = rows[k]
            common = max(0.0, min(right, east) - max(left, west)) * max(0.0, min(bottom, south) - max(top, north))
            union = (right - left) * (bottom - top) + (east - west) * (south - north) - common
            if union > 0 and common / union > threshold:
                break
        else:
            kept.append(i)
    return kept


THRESHOLDS = (0.0, 0.2, 0.25, 0.5, 0.8, 1.0)


def case(seed: int, threshold: float) -> tuple[Tensor, Tensor]:
    """Few or many overlaps, whole or broken coordinates, equal scores, pairs just above and below the threshold."""
    draw, g = random.Random(seed), torch.Generator().manual_seed(seed)
    count, side, largest = draw.randrange(1, 32), draw.choice([20, 100]), draw.choice([10, 60])
    corner = torch.rand(count, 2, generator=g) * side
    boxes = torch.cat([corner, corner + torch.rand(count, 2, generator=g) * largest], dim=1)
    if draw.random() < 0.5:
        boxes = boxes.round()  # IoUs that are the threshold, boxes without area, equal boxes
    if threshold:  # the same box moved so that the IoU with it is the threshold, and a little less
        near = boxes[: count // 2].clone()
        near[:, 2] += (near[:, 2] - near[:, 0]) * (1 - threshold) / threshold
        near[:, 2] += torch.where(torch.rand(len(near), generator=g) < 0.5, 1e-5, 0.0)
        boxes = torch.cat([boxes, near])
    scores = torch.rand(len(boxes), generator=g)
    return boxes, (scores * 5).round() if draw.random() < 0.5 else scores


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many steps, many groups and many parts in a small case."""
    for name, value in {"FEW": 5, "MANY": 16, "GROUP": 3, "AT_A_TIME": 30}.items():
        monkeypatch.setattr(module, name, value)


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_a_thousand_random_cases(threshold: float) -> None:
    """All that have a threshold in one call, each as a class of its own."""
    cases = [case(seed, threshold) for seed in range(170)]
    classes = torch.cat([torch.full((len(scores),), i) for i, (_, scores) in enumerate(cases)])
    kept = class_wise_nms(torch.cat([b for b, _ in cases]), torch.cat([s for _, s in cases]), classes, threshold)
    first = 0
    for i, (boxes, scores) in enumerate(cases):
        assert (kept[classes[kept] == i] - first).tolist() == plain(boxes, scores, threshold), i
        first += len(scores)


@pytest.mark.usefixtures("small_steps")
@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_cases_of_their_own_in_small_steps(threshold: float) -> None:
    for seed in range(1000, 1012):
        boxes, scores = case(seed, threshold)
        assert nms(boxes, scores, threshold).tolist() == plain(boxes, scores, threshold), seed


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.7])
def test_as_many_as_take_several_steps(threshold: float) -> None:
    g = torch.Generator().manual_seed(1)
    corner = torch.rand(500, 2, generator=g) * 300
    boxes = torch.cat([corner, corner + 5 + torch.rand(500, 2, generator=g) * 40], dim=1)
    scores = torch.rand(500, generator=g)
    kept = nms(boxes, scores, threshold).tolist()
    assert kept == plain(boxes, scores, threshold)
    assert len(kept) > 50


def test_a_chain_where_every_second_box_stays() -> None:
    left = torch.arange(300.0)
    boxes = torch.stack([left, torch.zeros(300), left + 3, torch.ones(300)], dim=1)  # neighbours: 2/4, next: 1/5
    assert nms(boxes, -left, 0.4).tolist() == list(range(0, 300, 2))
    assert nms(boxes, -left, 0.1).tolist() == list(range(0, 300, 3))


def test_the_vector_of_kornia() -> None:
    boxes = torch.tensor([[10.0, 10, 20, 20], [15, 5, 15, 25], [100, 100, 200, 200], [100, 100, 200, 200]])
    assert nms(boxes, torch.tensor([0.9, 0.8, 0.7, 0.9]), 0.8).tolist() == [0, 3, 1]


@pytest.mark.parametrize(("part", "whole"), [(1, 5), (1, 3), (3, 10), (57, 100), (1, 10), (7, 10)])
def test_an_overlap_that_is_the_threshold_removes_nothing(part: int, whole: int) -> None:
    boxes = torch.tensor([[0.0, 0, whole, 1], [0, 0, part, 1]])
    scores = torch.tensor([0.9, 0.8])
    assert nms(boxes, scores, part / whole).tolist() == [0, 1]
    assert nms(boxes, scores, part / whole - 1e-9).tolist() == [0]


def test_a_whole_threshold_keeps_all_and_none_keeps_what_touches() -> None:
    boxes = torch.tensor([[0.0, 0, 2, 2], [0, 0, 2, 2], [2, 0, 4, 2], [3.9, 0, 5, 2]])
    scores = torch.tensor([0.5, 0.5, 0.5, 0.4])
    assert nms(boxes, scores, 1.0).tolist() == [0, 1, 2, 3]
    assert nms(boxes, scores, 0.0).tolist() == [0, 2]


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_class_by_class_is_all_classes_apart(threshold: float) -> None:
    seed = 7
    boxes, scores = case(seed, threshold)
    classes = torch.randint(-1, 4, (len(boxes),), generator=torch.Generator().manual_seed(seed))
    kept = class_wise_nms(boxes, scores, classes, threshold).tolist()
    assert kept == plain(boxes, scores, threshold, classes.tolist())
    one_by_one = [
        w[nms(boxes[w], scores[w], threshold)] for w in ((classes == k).nonzero()[:, 0] for k in range(-1, 4))
    ]
    assert sorted(kept) == sorted(torch.cat(one_by_one).tolist())
    whole = boxes.round()  # moved far apart class by class: exact for whole numbers
    apart = whole + classes[:, None] * (whole.max() + 1)
    assert class_wise_nms(whole, scores, classes, threshold).tolist() == nms(apart, scores, threshold).tolist()


def test_nothing_stays_of_nothing_and_whole_numbers_are_boxes() -> None:
    assert nms(torch.zeros(0, 4), torch.zeros(0)).tolist() == []
    assert class_wise_nms(torch.zeros(0), torch.zeros(0), torch.zeros(0, dtype=torch.int64)).tolist() == []
    assert nms(torch.tensor([[0, 0, 2, 2], [0, 0, 2, 2]]), torch.tensor([1, 2])).tolist() == [1]


def test_what_cannot_be_used() -> None:
    boxes, scores = torch.tensor([[0.0, 0, 1, 1], [0, 0, 1, 1]]), torch.tensor([0.5, 0.5])
    with pytest.raises(UsageError, match="NaN at index 1"):
        nms(boxes, torch.tensor([0.5, torch.nan]))
    with pytest.raises(UsageError, match="one score for each of 2 boxes"):
        nms(boxes, scores[:1])
    with pytest.raises(UsageError, match=r"from 0 to 1, got 1\.5"):
        nms(boxes, scores, 1.5)
    with pytest.raises(UsageError, match=r"got torch\.float32"):
        class_wise_nms(boxes, scores, scores)
    with pytest.raises(UsageError, match="left <= right"):
        nms(-boxes, scores)
