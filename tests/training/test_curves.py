"""Curves of known shape are read as what they are, and noise about a healthy one is no alarm."""

import math

import pytest
import torch

from snellen.training.curves import best_epoch, read_curves, smooth
from snellen.training.watch import Row

FALLING = [2.3 * math.exp(-i / 6) + 0.05 for i in range(20)]


def rows(
    train: list[float], val: list[float], accuracy: list[float] | float = 0.9, *, error: float = 0.01, count: int = 2000
) -> list[Row]:
    known = accuracy if isinstance(accuracy, list) else [accuracy] * len(train)
    return [
        {
            "train_loss": t,
            "train_accuracy": 1.0,
            "val_loss": v,
            "val_loss_error": error,
            "val_accuracy": a,
            "val_count": count,
        }
        for t, v, a in zip(train, val, known, strict=True)
    ]


RISING = [0.5 + (i - 8) ** 2 / 100 for i in range(20)]
"""Lowest at index 8: epoch 9."""


def test_overfitting_is_named_with_its_epoch_and_its_price() -> None:
    accuracy = [0.9 - max(i - 8, 0) * 0.01 for i in range(20)]
    seen = read_curves(rows(FALLING, RISING, accuracy), 10)
    assert (seen.shape, seen.best, seen.epochs) == ("overfitted", 9, 20)
    smoothed = smooth(RISING)
    assert seen.rise == pytest.approx(smoothed[-1] - smoothed[8])
    assert seen.needed == pytest.approx(max(0.05 * smoothed[8], 2 * math.sqrt(2) * 0.01))
    assert seen.risen == sum(v - smoothed[8] >= seen.needed for v in smoothed[9:])
    assert seen.lost == pytest.approx(0.11)


def test_a_loss_that_rises_while_the_answers_stay_right_is_over_confidence() -> None:
    assert read_curves(rows(FALLING, RISING, 0.9), 10).shape == "over-confident"
    better = [0.8 + 0.005 * i for i in range(20)]
    assert read_curves(rows(FALLING, RISING, better), 10).shape == "over-confident"


@pytest.mark.parametrize(
    ("train", "val", "shape"),
    [
        (FALLING, [loss + 0.1 for loss in FALLING], "still learning"),
        (FALLING, [max(loss, 0.5) for loss in FALLING], "sound"),
        (FALLING, [loss * 0.8 for loss in FALLING], "still learning"),
        (FALLING[:4], RISING[:4], "too short"),
        ([0.5] * 20, RISING, "sound"),
    ],
    ids=["both fall", "levels off", "validation below training", "four epochs", "training does not fall"],
)
def test_other_shapes(train: list[float], val: list[float], shape: str) -> None:
    assert read_curves(rows(train, val), 10).shape == shape


def test_the_best_epoch_is_the_lowest_as_measured_and_smoothing_judges_the_rise_alone() -> None:
    val = [1.0, 0.8, 0.6, 0.3, 0.7, 0.5, 0.45, 0.5, 0.9, 1.0, 1.1, 1.2, 1.3]
    seen = read_curves(rows(FALLING[:13], val, [0.9] * 3 + [0.95] + [0.9] * 8 + [0.85]), 10)
    smoothed = smooth(val)
    assert smoothed.index(min(smoothed)) == 6
    assert (best_epoch(rows(val, val)), seen.best) == (4, 4)
    assert (seen.floor, seen.rise) == pytest.approx((smoothed[6], smoothed[-1] - smoothed[6]))
    assert seen.lost == pytest.approx(0.1)
    assert seen.shape == "overfitted"


def test_a_rise_within_its_noise_is_none() -> None:
    assert read_curves(rows(FALLING, RISING, error=1.0), 10).shape == "sound"


def test_a_rise_of_the_last_epoch_alone_is_none() -> None:
    assert read_curves(rows(FALLING, [*FALLING[:19], 0.6]), 10).shape in ("sound", "still learning")


def test_a_network_that_knows_nothing() -> None:
    blind = [{**row, "train_accuracy": 0.1} for row in rows([2.31] * 20, [2.32] * 20, 0.1)]
    assert read_curves(blind, 10).shape == "learned nothing"


@pytest.mark.parametrize("seed", range(20))
def test_noise_of_its_own_size_about_a_healthy_curve_raises_no_alarm(seed: int) -> None:
    noise = torch.randn(20, generator=torch.Generator().manual_seed(seed)) * 0.02
    val = [max(loss, 0.4) + float(n) for loss, n in zip(FALLING, noise, strict=True)]
    assert read_curves(rows(FALLING, val, error=0.02), 10).shape in ("sound", "still learning")
