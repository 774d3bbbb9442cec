"""Which learning rate was taken, and why."""

import math

from snellen.findings.evidence import Curve
from snellen.findings.finding import Finding
from snellen.training.range_test import SHARE, RangeTest
from snellen.training.schedule import RAMP, Schedule

NAME = "course/learning_rate"


def learning_rate(schedule: Schedule, tested: RangeTest | None, *, chosen_by: str) -> Finding:
    """The cycle of the learning rate, and the range test if one chose its peak.

    Args:
        schedule: of the training.
        tested: the range test.
        chosen_by: who chose the peak otherwise, such as ``you``.
    """
    text = (
        f"{schedule.optimizer.upper() if schedule.optimizer == 'sgd' else 'AdamW'} in one cycle: from "
        f"{RAMP * schedule.learning_rate:.2g} up to {schedule.learning_rate:.2g} in the first "
        f"{schedule.warm_up:.0%} of the steps, then down to {RAMP**2 * schedule.learning_rate:.2g}."
    )
    if tested is None:
        return Finding(
            NAME, "info", f"Peak learning rate {schedule.learning_rate:.2g}", f"{text} Chosen by {chosen_by}."
        )
    end = (
        "past it the steps undo what was learned"
        if tested.blown or tested.lowest < tested.rates[-1]
        else "it never rose: larger rates than were tried may do"
    )
    return Finding(
        NAME,
        "info",
        f"Peak learning rate {schedule.learning_rate:.2g}, by a range test",
        f"{text} In {len(tested.rates)} steps at growing rates, on a copy, the smoothed loss was lowest at "
        f"{tested.lowest:.2g}; {end}. The peak is {SHARE:g} of that: the loss lags behind the rate.",
        measured={"learning_rate": schedule.learning_rate, "lowest_loss_rate": tested.lowest},
        evidence=(
            Curve(
                "Learning-rate range test",
                "learning rate, as its power of 10",
                "training loss, smoothed",
                {"loss": (tuple(map(math.log10, tested.rates)), tested.losses)},
                marks={"lowest": math.log10(tested.lowest), "taken": math.log10(schedule.learning_rate)},
            ),
        ),
        reference="Smith 2017, arXiv 1506.01186; one cycle: Smith and Topin 2018, arXiv 1708.07120.",
    )
