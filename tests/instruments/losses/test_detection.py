"""The losses of detectors: only objectness counts where there is nothing, and nothing is lost by the truth."""

import math

import pytest
import torch
from torch import Tensor

from snellen._errors import UsageError
from snellen.instruments.losses.detection import NONE, assigned, grid_loss, single_loss


def rows(count: int, classes: int = 3, seed: int = 0) -> Tensor:
    drawn = torch.randn(count, 5 + classes, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    drawn[:, 1:5] = drawn[:, 1:5].sigmoid()
    return drawn


def boxes(count: int, seed: int = 1) -> Tensor:
    drawn = torch.rand(count, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return torch.cat([0.3 + 0.4 * drawn[:, :2], 0.1 + 0.3 * drawn[:, 2:]], dim=1)


def test_without_an_object_box_and_class_have_no_gradient_at_all() -> None:
    outputs = rows(4).requires_grad_()
    single_loss(outputs, boxes(4), torch.tensor([NONE, 2, NONE, 0])).total.backward()
    assert outputs.grad is not None
    assert (outputs.grad[[0, 2], 1:] == 0).all()
    assert (outputs.grad[[0, 2], 0] != 0).all()
    assert (outputs.grad[[1, 3]] != 0).all()


def test_a_batch_without_any_object_is_no_special_case() -> None:
    outputs = rows(3).requires_grad_()
    loss = single_loss(outputs, boxes(3), torch.full((3,), NONE))
    loss.total.backward()
    assert outputs.grad is not None
    assert loss.box == loss.classes == 0
    assert (outputs.grad[:, 1:] == 0).all()
    expected = outputs.detach()[:, 0].exp().log1p().mean()
    assert float(loss.total.detach()) == pytest.approx(float(expected))


@pytest.mark.parametrize("classes", [1, 3, 7])
def test_the_truth_said_surely_costs_nothing(classes: int) -> None:
    truth, kinds = boxes(4), torch.tensor([0, classes - 1, NONE, 0])
    outputs = torch.full((4, 5 + classes), -30.0, dtype=torch.float64)
    outputs[:, 0] = torch.where(kinds == NONE, -30.0, 30.0)
    outputs[:, 1:5] = truth
    outputs[torch.arange(4), 5 + kinds.clamp(min=0)] = 30.0
    assert float(single_loss(outputs, truth, kinds).total) == pytest.approx(0, abs=1e-9)


def test_it_is_the_sum_that_the_page_gives() -> None:
    """Image by image, with plain arithmetic; the box term by the corners."""
    outputs, truth, kinds = rows(5), boxes(5), torch.tensor([2, NONE, 0, 1, NONE])
    expected = []
    for row, box, kind in zip(outputs.tolist(), truth.tolist(), kinds.tolist(), strict=True):
        p = 1 / (1 + math.exp(-row[0]))
        value = -math.log(p if kind != NONE else 1 - p)
        if kind != NONE:
            value += math.log(sum(map(math.exp, row[5:]))) - row[5 + kind] + slow_ciou_loss(row[1:5], box)
        expected.append(value)
    assert float(single_loss(outputs, truth, kinds).total) == pytest.approx(sum(expected) / 5)


def slow_ciou_loss(a: list[float], b: list[float]) -> float:
    (ax, ay, aw, ah), (bx, by, bw, bh) = a, b
    wide = max(0.0, min(ax + aw / 2, bx + bw / 2) - max(ax - aw / 2, bx - bw / 2))
    high = max(0.0, min(ay + ah / 2, by + bh / 2) - max(ay - ah / 2, by - bh / 2))
    iou = wide * high / (aw * ah + bw * bh - wide * high)
    across = max(ax + aw / 2, bx + bw / 2) - min(ax - aw / 2, bx - bw / 2)
    down = max(ay + ah / 2, by + bh / 2) - min(ay - ah / 2, by - bh / 2)
    v = 4 / math.pi**2 * (math.atan(aw / ah) - math.atan(bw / bh)) ** 2
    return 1 - iou + ((ax - bx) ** 2 + (ay - by) ** 2) / (across**2 + down**2) + v * v / (1 - iou + v)


def test_boxes_are_measured_in_pixels_and_not_in_parts() -> None:
    """A picture twice as wide as high stretches its boxes; only their proportions notice."""
    outputs, truth, kinds = rows(3), boxes(3), torch.tensor([0, 1, 2])
    square, wide = (single_loss(outputs, truth, kinds, side=side).box for side in ((64, 64), (64, 128)))
    assert square == pytest.approx(single_loss(outputs, truth, kinds).box)
    assert wide != pytest.approx(float(square))


def by_hand(truth: Tensor, kinds: Tensor, grid: tuple[int, int]) -> list[list[int]]:
    """Which object each cell is to find, one cell at a time."""
    found = []
    for image, names in zip(truth.tolist(), kinds.tolist(), strict=True):
        cells = []
        for cell in range(grid[0] * grid[1]):
            y, x = divmod(cell, grid[1])
            wants = []
            for place, ((cx, cy, w, h), name) in enumerate(zip(image, names, strict=True)):
                dx, dy = abs(x + 0.5 - cx * grid[1]), abs(y + 0.5 - cy * grid[0])
                own = dx <= 0.5 and dy <= 0.5
                near = max(dx, dy) < 1.5 and dx < w * grid[1] / 2 and dy < h * grid[0] / 2
                if name != NONE and (own or near):
                    wants.append((not own, w * h, place))
            cells.append(min(wants)[2] if wants else NONE)
        found.append(cells)
    return found


def test_the_cells_that_are_to_find_an_object() -> None:
    generator = torch.Generator().manual_seed(3)
    truth = torch.rand(150, 4, 4, generator=generator)
    kinds = torch.randint(-1, 3, (150, 4), generator=generator)
    assert assigned(truth, kinds, grid=(5, 7)).tolist() == by_hand(truth, kinds, (5, 7))


def test_an_object_smaller_than_its_cell_is_still_found_and_no_object_asks_nobody() -> None:
    speck = torch.tensor([[[0.5, 0.5, 0.01, 0.01]]])
    assert (assigned(speck, torch.tensor([[0]]), grid=(3, 3)).view(3, 3) == 0).nonzero().tolist() == [[1, 1]]
    assert (assigned(speck, torch.tensor([[NONE]]), grid=(3, 3)) == NONE).all()
    assert assigned(speck[:, :0], torch.zeros(1, 0, dtype=torch.int64), grid=(3, 3)).tolist() == [[NONE] * 9]


def test_the_loss_of_a_grid_cell_by_cell() -> None:
    outputs = rows(2 * 6).view(2, 2, 3, 8)
    truth, kinds = boxes(2).view(2, 1, 4), torch.tensor([[1], [NONE]])
    owner = assigned(truth, kinds, grid=(2, 3))
    objectness = box = classes = 0.0
    for image in range(2):
        for cell in range(6):
            row, there = outputs[image, cell // 3, cell % 3].tolist(), owner[image, cell] != NONE
            p = 1 / (1 + math.exp(-row[0]))
            objectness -= 0.25 * (1 - p) ** 2 * math.log(p) if there else 0.75 * p**2 * math.log(1 - p)
            if there:
                box += slow_ciou_loss(row[1:5], truth[image, 0].tolist())
                classes += math.log(sum(map(math.exp, row[5:]))) - row[6]
    count = int((owner != NONE).sum())
    assert count > 0
    loss = grid_loss(outputs, truth, kinds)
    found = [float(value) for value in (loss.objectness, loss.box, loss.classes)]
    assert found == pytest.approx([objectness / count, box / count, classes / count])


def test_cells_without_an_object_have_no_gradient_of_box_and_class() -> None:
    outputs = rows(12).view(1, 3, 4, 8).requires_grad_()
    truth, kinds = boxes(1).view(1, 1, 4), torch.tensor([[0]])
    grid_loss(outputs, truth, kinds).total.backward()
    there = assigned(truth, kinds, grid=(3, 4)).view(3, 4) != NONE
    assert outputs.grad is not None
    assert (outputs.grad[0][~there][:, 1:] == 0).all()
    assert (outputs.grad[0][there] != 0).all()
    assert (outputs.grad[..., 0] != 0).all()


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(UsageError, match=r"expected \(n, 5 \+ C\) outputs.*got \(3, 5\)"):
        single_loss(torch.zeros(3, 5), torch.zeros(3, 4), torch.zeros(3, dtype=torch.int64))
    with pytest.raises(UsageError, match=r"classes go from 0 to 2.*got 0 to 3"):
        single_loss(rows(2), boxes(2), torch.tensor([0, 3]))
    with pytest.raises(UsageError, match="of as many images"):
        grid_loss(rows(4).view(1, 2, 2, 8), boxes(2).view(2, 1, 4), torch.zeros(2, 1, dtype=torch.int64))
