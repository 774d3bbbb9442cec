"""The settings of the training of a detector."""

import json

import pytest

from snellen._errors import UsageError
from snellen.training.detection_settings import DetectionSettings


def test_the_schedule_is_what_was_asked_for() -> None:
    schedule = DetectionSettings("many", learning_rate=0.01, average=0.9).schedule(7)
    assert (schedule.steps, schedule.learning_rate, schedule.average, schedule.decay_all) == (7, 0.01, 0.9, False)
    assert json.loads(json.dumps(DetectionSettings("many").command))["mode"] == "many"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"mode": "several"}, "no mode named 'several'.*Known: many, single"),
        ({"epochs": 0}, "at least 1, got 0"),
        ({"shift": 0.6}, "shift must be from 0 to 0.5"),
        ({"zoom": 1.0}, "zoom from 0 to below 1"),
        ({"jitter": -0.1}, "jitter from 0 to 1"),
        ({"learning_rate": float("nan")}, "learning rate must be a number"),
        ({"learning_rate": 0.0}, "learning_rate > 0"),
        ({"average": 1.0}, "average < 1"),
    ],
)
def test_what_cannot_be_meant_is_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        DetectionSettings(**{"mode": "single", **settings})  # type: ignore[arg-type]
