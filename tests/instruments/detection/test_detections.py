"""The order, and what it does to equals."""

import pytest
import torch

from snellen.instruments.detection.detections import Detections


def test_the_surest_first_and_equals_in_their_order() -> None:
    boxes = torch.arange(16.0).view(4, 4)
    found = Detections(boxes, torch.tensor([0.5, 0.9, 0.5, 0.9]), torch.tensor([0, 1, 2, 3]))
    assert found.classes.tolist() == [1, 3, 0, 2]
    assert torch.equal(found.boxes, boxes[[1, 3, 0, 2]])
    assert found.scores.tolist() == torch.tensor([0.9, 0.9, 0.5, 0.5]).tolist()


def test_those_of_a_score_or_more() -> None:
    found = Detections(torch.zeros(3, 4), torch.tensor([0.25, 0.5, 0.75]), torch.tensor([0, 1, 2]))
    assert found.at_least(0.5).classes.tolist() == [2, 1]
    assert len(found.at_least(0.8)) == 0


def test_as_many_of_each() -> None:
    with pytest.raises(ValueError, match="as many boxes as scores and classes, got 2, 1 and 2"):
        Detections(torch.zeros(2, 4), torch.zeros(1), torch.zeros(2))
