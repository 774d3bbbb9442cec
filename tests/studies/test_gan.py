"""Upsampling, discriminators and losses against their closed forms, and the page's record against a run."""

import json
import math
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from snellen._errors import UsageError
from snellen.studies._generator_losses import generator_losses
from snellen.studies._two_judges import judged
from snellen.studies._upsampled import upsampled
from snellen.studies.gan import Gan

RECORD = Path(__file__).resolve().parents[2] / "docs" / "exams" / "in5400-exercise-9.json"


def test_only_a_kernel_that_is_no_multiple_of_the_stride_overlaps_unevenly() -> None:
    """Equal weights of kernel 3 and stride 2 sum 1, 2, 2 and 4 inputs: mean 9 / 4, spread sqrt(19) / 4."""
    rows = {row.key: row for row in upsampled(0)}
    assert {row.side for row in rows.values()} == {32}
    uneven = rows.pop("transposed_3")
    assert (uneven.fewest, uneven.most) == (1, 4)
    assert uneven.overlap == pytest.approx(math.sqrt(19) / 9, rel=1e-6)
    assert all(row.overlap < 1e-6 and row.fewest == row.most for row in rows.values())
    assert {row.key for row in rows.values() if row.pattern > 3} == {"transposed_4", "transposed_2", "shuffle_random"}


def test_the_best_discriminators_have_the_known_slopes() -> None:
    """By integration with other nodes: E[D] and E[1 - D] over the generated numbers, times the slope of the logit."""
    found = judged(2.0, steps=1, seed=0)
    y = torch.special.ndtri((torch.arange(20_000, dtype=torch.float64) + 0.5) / 20_000) + 2
    d = torch.sigmoid(2 - 2 * y)
    assert found.slopes[:2] == pytest.approx((2 * float(d.mean()), 2 * float((1 - d).mean())), rel=1e-4)
    x = y - 2
    loss = F.softplus(-(2 - 2 * x)).mean() + F.softplus(2 - 2 * y).mean()
    assert found.loss == pytest.approx(float(loss), rel=1e-4)
    assert found.accuracy == pytest.approx(float(torch.special.ndtr(torch.tensor(1.0))))


def test_trained_discriminators_come_near_the_best() -> None:
    found = judged(2.0, steps=150, seed=0)
    assert found.trained_accuracy == pytest.approx(found.accuracy, abs=0.03)
    assert found.trained_loss == pytest.approx(found.loss, rel=0.1)
    assert found.distance == pytest.approx(2, rel=0.15)


def test_the_lowest_loss_is_that_of_one_sample() -> None:
    found = generator_losses((0.0, 3.0))
    assert found.values["nonsaturating"] == pytest.approx((math.log(2), math.log1p(math.exp(-3))))
    assert found.slopes["saturating"] == pytest.approx((0.5, 1 / (1 + math.exp(-3))))
    best = [-math.log(_probability(x / 1000)) for x in range(-5000, 5001)]
    assert found.collapsed == pytest.approx(min(best), rel=1e-6)
    assert found.collapsed < found.real < found.fair < found.current


def _probability(x: float) -> float:
    real = sum(math.exp(-(((x - m) / 0.5) ** 2) / 2) for m in (-2, 2)) / 2 / 0.5
    return real / (real + math.exp(-((x / 1.5) ** 2) / 2) / 1.5)


def test_the_record_is_what_the_command_prints() -> None:
    """All but the trained discriminators, whose rounding differs between machines."""
    printed = json.loads(RECORD.read_bytes())["measured"]
    again = {name: v for f in Gan(steps=1).report().findings for name, v in f.measured.items()}
    assert set(again) == set(printed)
    for name, value in again.items():
        if not name.startswith(("trained_", "critic_distance")):
            assert value == pytest.approx(printed[name], rel=1e-3, abs=1e-6), name
    near = {float(k.rpartition("_at_")[2].replace("_", ".")): v for k, v in printed.items() if "critic_distance" in k}
    assert all(v == pytest.approx(shift, rel=0.1, abs=0.05) for shift, v in near.items())


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"shifts": ()}, {"shifts": (-1.0,)}, {"shifts": (13.0,)}])
def test_wrong_settings(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="steps must be at least 1 and shifts from 0 to 12"):
        Gan(**wrong)  # type: ignore[arg-type]
