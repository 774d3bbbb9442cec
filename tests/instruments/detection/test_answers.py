"""What other detectors answer with."""

import pytest
import torch

from snellen._errors import NetworkError
from snellen.instruments.detection.answers import said_boxes

BOXES = torch.tensor([[0.0, 0, 4, 4], [1, 1, 3, 2]])
SCORES = torch.tensor([0.5, 1.0])
LABELS = torch.tensor([1, 0])
PLAIN = {"boxes": BOXES, "scores": SCORES, "labels": LABELS}


@pytest.mark.parametrize(
    ("answer", "count"),
    [
        ([PLAIN], 1),
        ((BOXES, SCORES, LABELS), 1),
        ((BOXES[None], SCORES[None], LABELS[None]), 1),
        (([BOXES, BOXES], [SCORES, SCORES], [LABELS, LABELS]), 2),
        ([PLAIN, PLAIN, PLAIN], 3),
        ((BOXES.expand(3, 2, 4), SCORES.expand(3, 2), LABELS.expand(3, 2)), 3),
    ],
)
def test_all_forms_say_the_same(answer: object, count: int) -> None:
    found = said_boxes(answer, count, "mine")
    assert len(found) == count
    for boxes, scores, labels in found:
        assert (boxes.tolist(), scores.tolist(), labels.tolist()) == (BOXES.tolist(), SCORES.tolist(), LABELS.tolist())


def test_nothing_found_is_an_answer_too() -> None:
    none = {"boxes": torch.zeros(0, 4), "scores": torch.zeros(0), "labels": torch.zeros(0, dtype=torch.int64)}
    assert [len(part) for part in said_boxes([none], 1, "mine")[0]] == [0, 0, 0]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"boxes": BOXES}, "got dict"),
        ([{"boxes": BOXES, "scores": SCORES}], "have no labels"),
        ([PLAIN, PLAIN], "one entry for each of 1 images, got 2"),
        ((BOXES[None], SCORES[None]), "got tuple"),
        ((BOXES.expand(2, 2, 4), SCORES.expand(2, 2), LABELS.expand(2, 2)), "not of 1 images each"),
        ([{**PLAIN, "scores": SCORES[:1]}], r"got shapes \(2, 4\), \(1,\), \(2,\)"),
        ([{**PLAIN, "scores": 7 * SCORES}], "scores from 0 to 1, got 3.5 to 7; put a sigmoid"),
        ([{**PLAIN, "labels": SCORES}], "whole numbers from 0"),
        ([{**PLAIN, "boxes": BOXES.flip(1)}], "are they widths and heights"),
        ([{**PLAIN, "boxes": BOXES * torch.nan}], "NaN"),
        ([{**PLAIN, "boxes": BOXES.tolist()}], "got list"),
    ],
)
def test_what_is_no_answer_is_refused_with_what_would_be_one(answer: object, words: str) -> None:
    with pytest.raises(NetworkError, match=words):
        said_boxes(answer, 1, "mine")
