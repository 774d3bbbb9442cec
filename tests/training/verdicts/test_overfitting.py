"""The verdict on curves of known shape, its gap and its sketch."""

import pytest

from snellen.findings.evidence import Curve
from snellen.findings.interval import difference
from snellen.training.verdicts.overfitting import REMEDIES, TITLES, overfitting
from snellen.training.watch import Row


def rows(train: list[float], val: list[float], *, lost: float = 0.0, right: float = 0.95) -> list[Row]:
    return [
        {
            "train_loss": t,
            "train_accuracy": right,
            "train_count": 2000,
            "val_loss": v,
            "val_loss_error": 0.01,
            "val_accuracy": 0.9 - lost * i,
            "val_count": 1000,
        }
        for i, (t, v) in enumerate(zip(train, val, strict=True))
    ]


DOWN = [2.0 * 0.8**i for i in range(16)]
VALLEY = [1.0 + abs(i - 5) * 0.1 for i in range(16)]


@pytest.mark.parametrize(
    ("seen", "severity", "words"),
    [
        (
            rows(DOWN, VALLEY, lost=0.01),
            "warning",
            ["lowest after epoch 6 of 16; smoothed over 3 epochs", "for 9 epochs on end", "accuracy were lost"],
        ),
        (rows(DOWN, VALLEY), "warning", ["surer when it is wrong"]),
        (rows(DOWN, [max(v, 0.9) for v in DOWN]), "ok", ["a gap of 5.0 points"]),
        (
            rows(DOWN[:6], DOWN[:6]),
            "info",
            ["after epoch 6 of 6; smoothed over 3 epochs it is lowest at the end, and was still"],
        ),
        (rows(DOWN[:3], DOWN[:3]), "info", ["3 epochs make no curve"]),
        (rows([2.3] * 8, [2.31] * 8, right=0.1), "error", ["knowing nothing of 10 classes costs 2.3"]),
    ],
    ids=["overfitted", "over-confident", "sound", "still learning", "too short", "learned nothing"],
)
def test_verdicts(seen: list[Row], severity: str, words: list[str]) -> None:
    found = overfitting(seen, 10)
    assert found.severity == severity
    for word in words:
        assert word in found.sentence
    assert (found.remedy == "") == (severity == "ok" or len(seen) < 5)


def test_a_wide_gap_is_told_though_nothing_rises() -> None:
    level = [max(v, 0.9) for v in DOWN]
    found = overfitting([{**row, "val_accuracy": 0.6} for row in rows(DOWN, level)], 10)
    assert (found.severity, found.title) == ("info", "No epoch was too many, but the gap is wide")
    assert found.remedy.startswith("It knows its training images much better")
    learning = overfitting([{**row, "val_accuracy": 0.6} for row in rows(DOWN[:8], DOWN[:8])], 10)
    assert learning.title == "It was still learning when it ended"
    assert "--epochs. It knows its training images" in learning.remedy


def test_the_gap_is_that_of_two_samples() -> None:
    found = overfitting(rows(DOWN, VALLEY), 10)
    assert found.measured["accuracy_gap"] == pytest.approx(0.05)
    bounds = difference((1900, 2000), (900, 1000))
    assert (found.measured["accuracy_gap_low"], found.measured["accuracy_gap_high"]) == pytest.approx(bounds)


def test_the_sketch_is_drawn_from_the_curves() -> None:
    (sketch,) = overfitting(rows(DOWN, VALLEY), 10).evidence
    assert isinstance(sketch, Curve)
    assert sketch.marks == {"best epoch": 6.0}
    (x, ends) = sketch.series["gap"]
    assert x == (16.0, 16.0)
    assert ends == (sketch.series["training"][1][-1], sketch.series["validation"][1][-1])


def test_remedies_are_for_shapes_that_exist() -> None:
    assert set(REMEDIES) < set(TITLES)
