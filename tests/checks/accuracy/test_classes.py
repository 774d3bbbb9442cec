"""Per class and by pair, against scikit-learn's confusion matrix."""

import numpy as np
import pytest
import torch
from sklearn.metrics import confusion_matrix as oracle

from checks.hand_made import matrix, scores, subject, table
from snellen.checks.accuracy.classes import Classes, confused_pairs, confusion_matrix
from snellen.findings.interval import wilson

PER_CLASS, PAIRS = "Accuracy per class, worst first", "Most confused pairs"


@pytest.mark.parametrize("seed", range(4))
def test_the_matrix_is_scikit_learns(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    labels, answers = torch.randint(7, (2, 150), generator=generator)
    assert np.array_equal(confusion_matrix(labels, answers, 9).numpy(), oracle(labels, answers, labels=range(9)))


def test_pairs_come_most_frequent_first_and_ties_in_class_order() -> None:
    counts = torch.tensor([[9, 1, 2], [2, 9, 0], [3, 1, 9]])
    assert confused_pairs(counts) == [(2, 0, 3), (0, 2, 2), (1, 0, 2), (0, 1, 1), (2, 1, 1)]


def test_numbers_of_a_case_done_by_hand() -> None:
    labels = [0] * 6 + [1] * 5 + [2] * 5
    answers = [0] * 6 + [1, 1, 1, 2, 0] + [2, 2, 2, 2, 1]
    (finding,) = Classes()(subject(scores(answers, 4), labels, names=("ant", "bee", "cat", "dog")))
    assert finding.severity == "ok"
    assert finding.measured == {"worst_class_accuracy": 0.6}
    rows = table(finding, PER_CLASS).rows
    assert [row[:4] for row in rows] == [("bee", 5, 3, 0.6), ("cat", 5, 4, 0.8), ("ant", 6, 6, 1.0)]
    assert rows[0][4:] == wilson(3, 5)
    assert table(finding, PAIRS).rows == (("bee", "ant", 1, 0.2), ("bee", "cat", 1, 0.2), ("cat", "bee", 1, 0.2))
    confusion = matrix(finding, "Confusion")
    assert np.array_equal(confusion.values, oracle(labels, answers, labels=range(4)))
    assert confusion.names == ("ant", "bee", "cat", "dog")
    assert "the worst is bee with 3 of 5 right, and bee is most often taken for ant" in finding.sentence


def test_a_class_far_below_the_rest_is_a_warning_that_names_it() -> None:
    labels = [0] * 40 + [1] * 40 + [2] * 20
    answers = [0] * 40 + [1] * 40 + [0] * 20
    (finding,) = Classes()(subject(scores(answers, 3), labels, names=("ant", "bee", "cat")))
    assert finding.severity == "warning"
    assert "Far below the rest: cat" in finding.sentence
    assert finding.measured == {"worst_class_accuracy": 0.0}
    assert finding.remedy


def test_few_images_of_a_class_are_no_ground_for_a_warning() -> None:
    (finding,) = Classes()(subject(scores([0] * 44, 2), [0] * 40 + [1] * 4))
    assert finding.severity == "ok"


def test_the_worst_class_is_one_that_has_enough_images() -> None:
    labels = [0] * 10 + [1] * 10 + [2]
    answers = [0] * 9 + [1] + [1] * 10 + [0]
    (finding,) = Classes()(subject(scores(answers, 3), labels, names=("ant", "bee", "cat")))
    assert finding.measured == {"worst_class_accuracy": 0.9}
    assert "the worst is ant with 9 of 10 right" in finding.sentence


def test_too_few_images_of_every_class_judge_none() -> None:
    (finding,) = Classes()(subject(scores([0, 1, 0], 2), [0, 1, 1]))
    assert finding.measured == {}
    assert "too few to judge" in finding.sentence


def test_two_classes_of_one_name_are_two_classes() -> None:
    """ImageNet has two cranes."""
    labels = [0] * 20 + [1] * 60
    answers = [2] * 20 + [1] * 60
    (finding,) = Classes()(subject(scores(answers, 3), labels, names=("crane", "crane", "bird")))
    rows = table(finding, PER_CLASS).rows
    assert rows == (("crane", 20, 0, 0.0, *wilson(0, 20)), ("crane", 60, 60, 1.0, *wilson(60, 60)))
    assert finding.severity == "warning"


def test_no_labels_is_said() -> None:
    (finding,) = Classes()(subject(scores([0, 1], 2)))
    assert finding.severity == "info"
    assert finding.measured == {}
    assert finding.evidence == ()


def test_nothing_confused() -> None:
    (finding,) = Classes()(subject(scores([0, 1] * 5, 2), [0, 1] * 5))
    assert finding.severity == "ok"
    assert table(finding, PAIRS).rows == ()
    assert "taken for" not in finding.sentence
