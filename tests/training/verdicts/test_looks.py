"""The ledger of a training: looks counted, and a reported part that chose the epoch named with its optimism."""

from dataclasses import replace
from pathlib import Path

import pytest

from lessons import quick, small_set
from snellen.training.classify import Trained, train
from snellen.training.dataset import Dataset, Part
from snellen.training.lesson import prepare
from snellen.training.verdicts.looks import looks


def taught(data: Dataset, **settings: object) -> Trained:
    return train(prepare(data, quick(**settings)))


def parts(folder: Path) -> tuple[Dataset, Part]:
    """The pictures, and 30 of them as a part of its own."""
    data = small_set(folder)
    return data, Part(data.shown.images[:30], data.shown.labels[:30])


def test_every_look_is_counted_and_the_reported_one_is_what_was_measured(tmp_path: Path) -> None:
    data, other = parts(tmp_path)
    data = replace(data, test=other)
    trained = taught(data, flip=True, epochs=3)
    found = looks(data, trained, patience=0)
    assert (found.severity, found.evidence) == ("ok", ())
    assert "Looks: val 5; test 2; train 4." in found.sentence  # three epochs, the end, and mirrored


def test_an_epoch_chosen_by_the_images_that_are_reported_is_a_warning(tmp_path: Path) -> None:
    """Somebody gives the same images as --val and as --test."""
    data, other = parts(tmp_path)
    data = replace(data, val=other, test=Part(other.images.clone(), other.labels.clone()))
    trained = taught(data, epochs=3, patience=3)
    found = looks(data, trained, patience=3)
    assert (found.severity, found.title) == ("warning", "Chosen on a split that is reported: test")
    assert "Looks: test 7; train 4." in found.sentence  # three epochs; twice at the end, and twice mirrored
    assert "The epoch was chosen on test, among 3 candidates, and test is reported" in found.sentence
    assert found.measured["test_candidates"] == 3
    assert found.measured["test_reported"] == trained.scores["test"].accuracy
    assert found.measured["test_excess_alike_points"] >= 0
    assert looks(data, trained, patience=0).severity == "ok"  # the last epoch is kept: nothing was chosen


@pytest.mark.parametrize(("patience", "severity"), [(0, "ok"), (2, "info")])
def test_validation_is_there_to_be_chosen_by(tmp_path: Path, patience: int, severity: str) -> None:
    data = small_set(tmp_path)
    found = looks(data, taught(data, patience=patience), patience=patience)
    assert found.severity == severity
    assert ("val is reported" in found.sentence) == (patience > 0)


def test_a_choice_on_validation_leaves_a_test_part_in_order(tmp_path: Path) -> None:
    data, other = parts(tmp_path)
    data = replace(data, test=other)
    found = looks(data, taught(data, patience=2), patience=2)
    assert found.severity == "ok"
    assert [evidence.title for evidence in found.evidence] == ["What was chosen, and by what"]
