"""Against the loop of the paper in plain Python."""

import math

import pytest
import torch
from torch import Tensor

from snellen import UsageError
from snellen.instruments.detection.boxes import iou
from snellen.instruments.detection.nms import class_wise_nms
from snellen.instruments.detection.soft_nms import soft_nms


def plain(boxes: Tensor, scores: Tensor, classes: list[int], decay: str, least: float) -> tuple[list[int], list[float]]:
    """Figure 2 of Bodla et al. 2017, with lists."""
    overlap, left = iou(boxes.double(), boxes.double()).tolist(), scores.double().tolist()
    waiting, order, said = list(range(len(left))), [], []
    while waiting:
        best = max(waiting, key=lambda i: left[i])  # the first of equals
        waiting.remove(best)
        if left[best] < least:
            break
        order.append(best)
        said.append(left[best])
        for i in waiting:
            if classes[i] == classes[best]:
                o = overlap[best][i]
                left[i] *= math.exp(-(o**2) / 0.5) if decay == "gaussian" else 1 - o if o > 0.3 else 1
    return order, said


def crowd(seed: int, count: int = 25) -> tuple[Tensor, Tensor, Tensor]:
    g = torch.Generator().manual_seed(seed)
    corner = torch.rand(count, 2, generator=g) * 30
    boxes = torch.cat([corner, corner + 5 + torch.rand(count, 2, generator=g) * 20], dim=1)
    return boxes, (torch.rand(count, generator=g) * 20).round() / 20, torch.randint(2, (count,), generator=g)


@pytest.mark.parametrize("decay", ["linear", "gaussian"])
@pytest.mark.parametrize("seed", range(10))
def test_it_is_the_loop_of_the_paper(seed: int, decay: str) -> None:
    boxes, scores, classes = crowd(seed)
    for names in (classes, None):
        found = soft_nms(boxes, scores, names, decay=decay, least=0.05)  # type: ignore[arg-type]
        order, said = plain(boxes, scores, (classes * 0 if names is None else names).tolist(), decay, 0.05)
        assert found.indices.tolist() == order
        assert torch.allclose(found.scores.double(), torch.tensor(said, dtype=torch.float64), rtol=1e-6)


@pytest.mark.parametrize("decay", ["linear", "gaussian"])
def test_equal_scores_points_and_a_least_of_nothing(decay: str) -> None:
    """A box that covers another wholly, boxes without area, and scores of 0, which a least of 0 keeps."""
    boxes = torch.tensor([[0.0, 0, 4, 4], [0, 0, 4, 4], [0, 0, 0, 0], [0, 0, 0, 0], [1, 1, 3, 3], [9, 9, 9, 9]])
    scores, classes = torch.tensor([0.5, 0.5, 0.5, 0.0, 0.5, 0.5]), [0, 0, 1, 1, 0, 0]
    found = soft_nms(boxes, scores, torch.tensor(classes), decay=decay, least=0)  # type: ignore[arg-type]
    order, said = plain(boxes, scores, classes, decay, 0.0)
    assert found.indices.tolist() == order
    assert torch.allclose(found.scores.double(), torch.tensor(said, dtype=torch.float64), rtol=1e-6)


def test_the_surest_comes_first_and_all_that_greedy_keeps_is_there() -> None:
    boxes, scores, classes = crowd(3)
    found = soft_nms(boxes, scores, classes, least=1e-9)
    assert (found.scores.diff() <= 0).all()
    assert set(class_wise_nms(boxes, scores + 1e-3, classes, 0.5).tolist()) <= {*found.indices.tolist()} | {
        i for i, s in enumerate(scores.tolist()) if s == 0
    }


def test_nothing_and_nothing_sure() -> None:
    assert soft_nms(torch.zeros(0, 4), torch.zeros(0)).indices.tolist() == []
    assert soft_nms(torch.tensor([[0.0, 0, 1, 1]]), torch.tensor([1e-5])).scores.tolist() == []


def test_wrong_settings() -> None:
    box, score = torch.tensor([[0.0, 0, 1, 1]]), torch.tensor([0.5])
    with pytest.raises(UsageError, match="no decay named 'cubic'"):
        soft_nms(box, score, decay="cubic")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="sigma above 0"):
        soft_nms(box, score, sigma=0)
    with pytest.raises(UsageError, match=r"at least 0, got -0\.5"):
        soft_nms(box, -score)
    with pytest.raises(UsageError, match="threshold of the IoU"):
        soft_nms(box, score, threshold=2)
