"""Against the values that torchvision's tests publish, and what must hold for all boxes."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from snellen import UsageError
from snellen.instruments.detection import boxes as b
from snellen.instruments.detection.boxes import area, ciou, clip, convert, diou, giou, iou

A = torch.tensor([[0.0, 0, 100, 100], [0, 0, 50, 50], [200, 200, 300, 300], [0, 0, 25, 25]])
DISTANCE = [[1, 0.1875, -0.4444], [0.1875, 1, -0.5625], [-0.4444, -0.5625, 1], [-0.0781, 0.1875, -0.6267]]
PUBLISHED = {  # pytorch/vision test/test_ops.py; all of these boxes are squares, so CIoU is DIoU
    iou: [[1, 0.25, 0], [0.25, 1, 0], [0, 0, 1], [0.0625, 0.25, 0]],
    giou: [[1, 0.25, -0.7778], [0.25, 1, -0.8611], [-0.7778, -0.8611, 1], [0.0625, 0.25, -0.8819]],
    diou: DISTANCE,
    ciou: DISTANCE,
}
PAIRWISE = list(PUBLISHED)
LOSSES = [b.giou_loss, b.diou_loss, b.ciou_loss]


@pytest.mark.parametrize("overlap", PAIRWISE)
def test_the_published_matrices(overlap) -> None:  # type: ignore[no-untyped-def]
    assert torch.allclose(overlap(A, A[:3]), torch.tensor(PUBLISHED[overlap]), atol=1e-4)


def test_the_published_boxes_with_fractions() -> None:
    rows = [
        [285.3538, 185.5758, 1193.5110, 851.4551],
        [285.1472, 188.7374, 1192.4984, 851.0669],
        [279.2440, 197.9812, 1189.4746, 849.2019],
    ]
    values = iou(torch.tensor(rows), torch.tensor(rows))
    assert torch.allclose(values[0, 1:], torch.tensor([0.9933, 0.9673]), atol=1e-4)
    assert abs(values[1, 2] - 0.9737) < 1e-4


def test_the_published_losses() -> None:
    first, second, third, fourth = torch.tensor([[-1.0, -1, 1, 1], [0, 0, 1, 1], [0, 1, 1, 2], [1, 1, 2, 2]])
    predicted, wanted = torch.stack([first, first, second, second]), torch.stack([first, second, third, fourth])
    assert torch.allclose(b.giou_loss(predicted, wanted), torch.tensor([0, 0.75, 1.0, 1.5]))
    predicted, wanted = torch.stack([first] * 3), torch.stack([second, third, fourth])
    for loss in (b.diou_loss, b.ciou_loss):
        assert torch.allclose(loss(predicted, wanted), torch.tensor([0.8125, 1.1923, 1.25]), atol=1e-4)


def test_the_penalty_on_proportions_by_hand() -> None:
    square, flat = torch.tensor([[0.0, 0, 4, 4]]), torch.tensor([[0.0, 0, 4, 1]])
    v = 4 / math.pi**2 * (math.atan(1) - math.atan(4)) ** 2
    distance = 0.25 - 1.5**2 / 32
    assert ciou(square, flat).item() == pytest.approx(distance - v * v / (1 - 0.25 + v), abs=1e-6)


def random_boxes(seed: int, count: int = 6) -> Tensor:
    g = torch.Generator().manual_seed(seed)
    corner = torch.rand(count, 2, generator=g, dtype=torch.float64) * 60
    return torch.cat([corner, corner + 1 + torch.rand(count, 2, generator=g, dtype=torch.float64) * 40], dim=1)


@settings(deadline=None, max_examples=12)
@given(st.integers(0, 10**6), st.floats(-50, 50), st.floats(0.1, 20))
def test_symmetry_bounds_translation_and_scale(seed: int, shift: float, scale: float) -> None:
    one, other = random_boxes(seed), random_boxes(seed + 1, 4)
    for overlap in PAIRWISE:
        values = overlap(one, other)
        assert torch.allclose(values, overlap(other, one).T)
        least = {iou: 0, giou: -1, diou: -1, ciou: -1.5}[overlap]
        assert least <= values.min()
        assert values.max() <= 1
        assert torch.allclose(overlap(one, one).diagonal(), torch.ones(6, dtype=torch.float64))
        assert torch.allclose(overlap(one * scale + shift, other * scale + shift), values)
    assert (giou(one, other) <= iou(one, other) + 1e-12).all()
    assert (ciou(one, other) <= diou(one, other) + 1e-12).all()


@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_is_one_less_the_matrix_beside_it_and_has_a_right_gradient(loss) -> None:  # type: ignore[no-untyped-def]
    one, other = random_boxes(1), random_boxes(2)
    pairwise = {b.giou_loss: giou, b.diou_loss: diou, b.ciou_loss: ciou}[loss]
    assert torch.allclose(loss(one, other), 1 - pairwise(one, other).diagonal())
    if loss is not b.ciou_loss:  # alpha is a constant for its gradient
        assert torch.autograd.gradcheck(loss, (one[:2].requires_grad_(), other[:2]))


@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_are_finite_whatever_the_boxes(loss) -> None:  # type: ignore[no-untyped-def]
    rows = torch.tensor([[1.0, 1, 5, 5], [2, 2, 2, 2], [1, 3, 5, 3], [0, 0, 0, 0], [9, 9, 12, 11], [5, 5, 1, 1]])
    for shift in range(len(rows)):
        predicted = rows.clone().requires_grad_()
        value = loss(predicted, rows.roll(shift, 0))
        value.sum().backward()
        assert predicted.grad is not None
        assert predicted.grad.isfinite().all()
        assert value.isfinite().all()


def test_boxes_without_area_overlap_nothing() -> None:
    point, line = torch.tensor([[2.0, 2, 2, 2]]), torch.tensor([[0.0, 1, 4, 1]])
    for one in (point, line):
        assert iou(one, torch.cat([point, line, A])).tolist() == [[0.0] * 6]


def test_formats_there_and_back() -> None:
    boxes = random_boxes(3)
    by_hand = {
        "xywh": [[10.0, 20.0, 20.0, 40.0]],
        "cxcywh": [[20.0, 40.0, 20.0, 40.0]],
        "xyxy": [[10.0, 20.0, 30.0, 60.0]],
    }
    for one, row in by_hand.items():
        for other, same in by_hand.items():
            assert convert(torch.tensor(row), one, to=other).tolist() == same  # type: ignore[arg-type]
        there = convert(boxes, "xyxy", to=one)  # type: ignore[arg-type]
        assert torch.allclose(convert(there, one, to="xyxy"), boxes)  # type: ignore[arg-type]


def test_areas_and_what_an_image_holds() -> None:
    assert area(A).tolist() == [10000, 2500, 10000, 625]
    clipped = clip(torch.tensor([[-5.0, 2, 12, 30], [50, 1, 60, 2]]), height=20, width=10)
    assert clipped.tolist() == [[0, 2, 10, 20], [10, 1, 10, 2]]


def test_nothing_is_allowed() -> None:
    nothing = torch.zeros(0, 4)
    for overlap in PAIRWISE:
        assert overlap(nothing, A).shape == (0, 4)
        assert overlap(A, torch.zeros(0)).shape == (4, 0)
    for loss in LOSSES:
        assert loss(nothing, nothing).shape == (0,)
    assert convert(nothing, "xyxy", to="xywh").shape == (0, 4)
    assert area(nothing).shape == (0,)


@pytest.mark.parametrize("wrong", [[0.0, 0, math.nan, 1], [0.0, 0, math.inf, 1], [5.0, 0, 1, 1], [0.0, 9, 1, 1]])
def test_what_is_no_box(wrong: list[float]) -> None:
    with pytest.raises(UsageError, match=r"left <= right.*at index 4.*convert"):
        iou(A, torch.cat([A, torch.tensor([wrong])]))


def test_wrong_calls() -> None:
    with pytest.raises(UsageError, match="no box format named 'xyhw'"):
        convert(A, "xyhw", to="xyxy")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"expected boxes as a tensor \(..., 4\), got \(3,\)"):
        convert(torch.zeros(3), "xyxy", to="xywh")
    with pytest.raises(UsageError, match=r"\(m, 4\), got \(1, 4, 4\)"):
        giou(A[None], A)
    with pytest.raises(UsageError, match="for every pair there are"):
        b.giou_loss(A, A[:3])
