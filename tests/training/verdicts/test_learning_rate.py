"""The peak and where it comes from."""

import math

import pytest

from snellen.findings.evidence import Curve
from snellen.training.range_test import RangeTest
from snellen.training.schedule import Schedule
from snellen.training.verdicts.learning_rate import learning_rate


def test_the_cycle_that_somebody_chose() -> None:
    schedule = Schedule(100, learning_rate=0.02, optimizer="sgd", warm_up=0.25)
    found = learning_rate(schedule, None, chosen_by="you")
    assert found.sentence == (
        "SGD in one cycle: from 0.002 up to 0.02 in the first 25% of the steps, then down to 0.0002. Chosen by you."
    )
    assert (schedule.rate(0), schedule.rate(24), schedule.rate(99)) == pytest.approx((0.002, 0.02, 0.0002))


@pytest.mark.parametrize(
    ("blown", "lowest", "said"),
    [(True, 0.01, "past it the steps undo"), (False, 0.01, "past it the steps undo"), (False, 1.0, "it never rose")],
)
def test_the_range_test_is_drawn(blown: bool, lowest: float, said: str) -> None:
    tested = RangeTest((1e-4, 1e-2, 1.0), (2.0, 1.5, 1.7), lowest=lowest, chosen=lowest / 4, blown=blown)
    found = learning_rate(Schedule(9, learning_rate=lowest / 4), tested, chosen_by="nobody")
    assert said in found.sentence
    assert found.measured == {"learning_rate": lowest / 4, "lowest_loss_rate": lowest}
    (curve,) = found.evidence
    assert isinstance(curve, Curve)
    assert curve.series["loss"] == (pytest.approx((-4, -2, 0)), (2.0, 1.5, 1.7))
    assert curve.marks == {"lowest": math.log10(lowest), "taken": math.log10(lowest / 4)}
