"""Which candidates stay, by each of the three methods."""

import pytest
import torch

from snellen._errors import UsageError
from snellen.instruments.detection.detections import Detections
from snellen.instruments.detection.suppression import suppressed

BOXES = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 8], [0, 0, 10, 8], [20, 20, 30, 30]])
CANDIDATES = Detections(BOXES, torch.tensor([0.9, 0.8, 0.7, 0.05]), torch.tensor([0, 0, 1, 0]))


def test_greedy_drops_the_less_sure_of_a_class() -> None:
    assert suppressed(CANDIDATES, 0.5).scores.tolist() == pytest.approx([0.9, 0.7, 0.05])
    assert suppressed(CANDIDATES, 0.85).scores.tolist() == pytest.approx([0.9, 0.8, 0.7, 0.05])
    assert suppressed(CANDIDATES, None) is CANDIDATES


def test_soft_takes_score_and_drops_what_is_left_with_too_little() -> None:
    found = suppressed(CANDIDATES, 0.5, method="soft", least=0.1)
    assert found.scores.tolist() == pytest.approx([0.9, 0.7, 0.8 * (1 - 0.8)])  # an IoU of 0.8
    assert found.classes.tolist() == [0, 1, 0]
    assert len(suppressed(CANDIDATES, 0.5, method="soft", least=0.2)) == 2


def test_matrix_takes_score_by_a_gaussian() -> None:
    found = suppressed(CANDIDATES, 0.5, method="matrix", least=0.1)
    expected = 0.8 * torch.exp(torch.tensor(-(0.8**2) / 0.5)).item()
    assert found.scores.tolist() == pytest.approx([0.9, 0.7, expected])


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(UsageError, match="did you mean greedy"):
        suppressed(CANDIDATES, 0.5, method="gredy")  # type: ignore[arg-type]
