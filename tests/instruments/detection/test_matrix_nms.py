"""Against the formula of the paper, pair by pair in plain Python."""

import math

import pytest
import torch
from torch import Tensor

from snellen.instruments.detection import matrix_nms as module
from snellen.instruments.detection.boxes import iou
from snellen.instruments.detection.matrix_nms import matrix_nms


def plain(boxes: Tensor, scores: Tensor, classes: list[int], decay: str) -> dict[int, float]:
    """Equation 4 and 5 of Wang et al. 2020."""

    def f(overlap: float) -> float:
        return 1 - overlap if decay == "linear" else math.exp(-(overlap**2) / 0.5)

    overlap, sure = iou(boxes.double(), boxes.double()).tolist(), scores.double().tolist()
    order = sorted(range(len(sure)), key=lambda i: -sure[i])
    said = {}
    for place, j in enumerate(order):
        said[j] = sure[j]
        for at, i in enumerate(order[:place]):
            most = max((overlap[k][i] for k in order[:at] if classes[k] == classes[i]), default=0.0)
            if classes[i] == classes[j] and f(most) > 0:
                said[j] = min(said[j], sure[j] * f(overlap[i][j]) / f(most))
    return said


@pytest.mark.parametrize("decay", ["linear", "gaussian"])
@pytest.mark.parametrize("seed", range(6))
def test_it_is_the_formula(seed: int, decay: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AT_A_TIME", 100)
    g = torch.Generator().manual_seed(seed)
    corner = torch.rand(24, 2, generator=g) * 30
    boxes = torch.cat([corner, corner + 5 + torch.rand(24, 2, generator=g) * 20], dim=1)
    boxes[3] = boxes[7] = boxes[11]  # three that are one
    scores, classes = (torch.rand(24, generator=g) * 20).round() / 20, torch.randint(2, (24,), generator=g)
    found = matrix_nms(boxes, scores, classes, decay=decay)  # type: ignore[arg-type]
    wanted = plain(boxes, scores, classes.tolist(), decay)
    assert sorted(found.indices.tolist()) == list(range(24))
    assert found.scores.tolist() == pytest.approx([wanted[i] for i in found.indices.tolist()], rel=1e-6)
    assert (found.scores.diff() <= 0).all()


def test_copies_lose_all_and_take_nothing() -> None:
    boxes = torch.tensor([[0.0, 0, 4, 4]] * 3 + [[0, 0, 4, 2]])
    found = matrix_nms(boxes, torch.tensor([0.9, 0.8, 0.7, 0.6]), decay="linear")
    assert found.indices.tolist() == [0, 3, 1, 2]
    assert found.scores.tolist() == pytest.approx([0.9, 0.3, 0, 0])


def test_nothing() -> None:
    assert matrix_nms(torch.zeros(0, 4), torch.zeros(0)).indices.tolist() == []
