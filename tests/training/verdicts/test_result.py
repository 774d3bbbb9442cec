"""What is said of the accuracies is what was counted."""

import pytest

from snellen.findings.interval import wilson
from snellen.training.score import Score
from snellen.training.verdicts.result import result

SCORES = {
    "train": Score(0.1, 0.01, 990, 1000),
    "val": Score(0.3, 0.01, 900, 1000),
    "test": Score(0.31, 0.01, 1790, 2000),
    "val_mirrored": Score(0.28, 0.01, 905, 1000),
    "test_mirrored": Score(0.29, 0.01, 1800, 2000),
}


def test_numbers_and_intervals() -> None:
    found = result(SCORES, epochs=12, best=9, patience=0)
    assert found.measured["val_accuracy"] == 0.9
    assert (found.measured["test_accuracy_low"], found.measured["test_accuracy_high"]) == wilson(1790, 2000)
    assert found.title == "89.5 % of the test images are right"
    assert "After 12 epochs 900 of 1,000 (90.0 %, 95 % interval 88.0 to 91.7)" in found.sentence
    assert "looked at only now, 1,790 of 2,000" in found.sentence
    assert "its mirror image it is +0.5 points" in found.sentence
    assert "too good" not in found.sentence
    assert found.headlines == ("val_accuracy", "test_accuracy")


def test_a_chosen_epoch_is_owned_up_to() -> None:
    said = result(SCORES, epochs=12, best=9, patience=3).sentence
    assert "With the weights of epoch 9 of 12 900 of 1,000" in said
    assert "the best of 12 looks: their accuracy is somewhat too good, that of the test images is not." in said


@pytest.mark.parametrize("patience", [0, 2])
def test_without_a_test_part_validation_is_the_headline(patience: int) -> None:
    found = result({"train": SCORES["train"], "val": SCORES["val"]}, epochs=5, best=5, patience=patience)
    assert found.title == "90.0 % of the validation images are right"
    assert "test" not in found.sentence
    assert "mirror" not in found.sentence
