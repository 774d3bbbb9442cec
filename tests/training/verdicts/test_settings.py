"""The settings are told as they took effect."""

from pathlib import Path

from lessons import small_lesson
from snellen.findings.evidence import Table
from snellen.training.verdicts.settings import settings


def told(folder: Path, **more: object) -> dict[str, str]:
    found = settings(small_lesson(folder, **more))
    (table,) = found.evidence
    assert isinstance(table, Table)
    return {str(name): str(value) for name, value in table.rows}


def test_defaults_are_filled_in(tmp_path: Path) -> None:
    found = told(tmp_path)
    assert found["epochs, steps an epoch"] == "2, 6"
    assert found["weight decay"] == "0.05, not of norms and biases"
    assert found["augmentation"] == "mirrored, moved by up to 2 pixels (larger ones cropped)"
    assert found["begins with"] == "random weights"
    assert found["patience"] == "none: all epochs"


def test_all_that_was_asked_for_is_said(tmp_path: Path) -> None:
    asked = {"flip": False, "shift": 3, "cutout": 4, "jitter": 0.2, "mixup": 0.5, "cutmix": 1.0, "optimizer": "sgd"}
    found = told(tmp_path, **asked, average=0.0, patience=2, smoothing=0.1)
    assert found["augmentation"].split(", ") == [
        "moved by up to 3 pixels (larger ones cropped)",
        "a square of 4 blanked",
        "colours changed by 0.2",
        "mixup 0.5",
        "cutmix 1",
    ]
    assert (found["averaged weights"], found["patience"]) == ("none", "2 epochs")
    assert found["optimizer"] == "sgd, peak rate 0.001"
    assert found["label smoothing"] == "0.1"
