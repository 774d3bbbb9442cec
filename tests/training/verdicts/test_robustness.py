"""What is said of the robust accuracy is what was counted, and what kind of a number it is."""

from pathlib import Path

import numpy as np
import pytest
import torch

from lessons import small_lesson
from snellen.findings.interval import wilson
from snellen.nets.saved import Saved
from snellen.training.adversarial import Adversary
from snellen.training.classify import Trained
from snellen.training.fit import Fitted
from snellen.training.score import Score
from snellen.training.verdicts.robustness import robustness


@pytest.mark.parametrize(("right", "severity"), [(300, "ok"), (170, "warning")])
def test_numbers_and_severity(tmp_path: Path, right: int, severity: str) -> None:
    """Three classes: 170 of 500 is chance."""
    lesson = small_lesson(tmp_path, adversary=Adversary(eps=0.031, steps=5))
    saved = Saved(torch.nn.Identity(), kind="small_vgg", settings={}, task="classify")
    trained = Trained(saved, Fitted((), 0.0, 0), {}, {}, Score(1.0, 0.1, right, 500, np.zeros(500, bool)))
    found = robustness(trained, lesson)
    assert found.severity == severity
    assert bool(found.remedy) == (severity == "warning")
    assert found.measured["robust_accuracy"] == right / 500
    assert (found.measured["robust_accuracy_low"], found.measured["robust_accuracy_high"]) == wilson(right, 500)
    assert f"Of 500 validation images {right} ({right / 5:.1f} %" in found.sentence
    assert "40 steps of PGD may change every value by 7 of 255 levels (eps 7/255)" in found.sentence
    assert "attacked with 5 steps" in found.sentence
    assert "upper bound" in found.sentence
