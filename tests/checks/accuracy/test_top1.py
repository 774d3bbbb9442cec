"""Accuracy, top-5 and loss against other people's formulas, and what counts as guessing."""

import pytest
import torch
from sklearn.metrics import log_loss, top_k_accuracy_score

from checks.hand_made import scores, subject, table
from snellen.checks.accuracy.top1 import Top1


def test_numbers_of_a_case_done_by_hand() -> None:
    labels = [0, 1, 2, 0, 1, 2, 0, 1, 2, 0]
    answers = [0, 1, 2, 0, 1, 2, 0, 1, 0, 1]  # 8 of 10
    (finding,) = Top1()(subject(scores(answers, 3), labels))
    assert finding.severity == "ok"
    assert finding.measured["accuracy"] == 0.8
    # published: Wilson's 95 % interval of 8 in 10
    assert finding.measured["accuracy_low"] == pytest.approx(0.4901625, abs=1e-6)
    assert finding.measured["accuracy_high"] == pytest.approx(0.9433178, abs=1e-6)
    assert "top5_accuracy" not in finding.measured
    assert "80.0% (49.0% to 94.3%; 8 of 10)" in finding.sentence
    (row,) = table(finding, "Accuracy with 95 % Wilson intervals").rows
    assert row[:4] == ("top-1", 8, 10, 0.8)


def test_top5_and_loss_agree_with_scikit_learn() -> None:
    generator = torch.Generator().manual_seed(4)
    logits = torch.randn(200, 12, generator=generator)
    labels = torch.randint(12, (200,), generator=generator).tolist()
    (finding,) = Top1()(subject(logits, labels))
    oracle = top_k_accuracy_score(labels, logits.numpy(), k=5, labels=range(12))
    assert finding.measured["top5_accuracy"] == pytest.approx(oracle, abs=1e-12)
    assert finding.measured["top5_accuracy_low"] < oracle < finding.measured["top5_accuracy_high"]
    loss = log_loss(labels, logits.double().softmax(dim=1).numpy(), labels=range(12))
    assert finding.measured["loss"] == pytest.approx(loss, rel=1e-5)
    assert set(finding.measured) <= set(Top1.metrics)
    assert set(finding.headlines) <= set(finding.measured)


def test_images_without_a_label_do_not_count() -> None:
    (finding,) = Top1()(subject(scores([0, 1, 1, 0], 2), [0, 1, -1, -1]))
    assert finding.measured["accuracy"] == 1.0
    assert table(finding, "Accuracy with 95 % Wilson intervals").rows[0][1:3] == (2, 2)


def test_no_labels_is_said_and_measures_nothing() -> None:
    (finding,) = Top1()(subject(scores([0, 1], 2)))
    assert finding.severity == "info"
    assert finding.measured == {}


def test_no_better_than_guessing_is_an_error() -> None:
    generator = torch.Generator().manual_seed(0)
    labels = [0, 1, 2, 3] * 25
    answers = torch.randint(4, (100,), generator=generator).tolist()
    (finding,) = Top1()(subject(scores(answers, 4), labels))
    assert finding.severity == "error"
    assert "class" in finding.remedy
    assert "normalisation" in finding.remedy


def test_one_answer_is_no_better_than_guessing_however_often_it_is_right() -> None:
    (finding,) = Top1()(subject(scores([0] * 40, 2), [0] * 30 + [1] * 10))
    assert finding.measured["accuracy"] == 0.75
    assert finding.severity == "error"


def test_a_handful_of_images_is_too_few_to_accuse() -> None:
    (finding,) = Top1()(subject(scores([0] * 19, 2), [0, 1] * 9 + [0]))
    assert finding.severity == "ok"


@pytest.mark.parametrize("right", [50, 45])
def test_a_good_network_on_images_of_one_class_is_not_accused(right: int) -> None:
    (finding,) = Top1()(subject(scores([1] * right + [0] * (50 - right), 3), [1] * 50))
    assert finding.severity == "ok"


def test_a_network_without_a_mistake_is_not_accused_whatever_the_balance() -> None:
    labels = [0] * 49 + [1]
    (finding,) = Top1()(subject(scores(labels, 2), labels))
    assert finding.measured["accuracy"] == 1.0
    assert finding.severity == "ok"
