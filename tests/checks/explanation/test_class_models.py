"""Class models as a finding: which classes, the two settings side by side, and scores that do not move."""

import numpy as np
import pytest
import torch
from torch import nn

from checks.hand_made import curve, gallery, linear, network, scores, subject
from snellen._errors import NotApplicable, UsageError
from snellen.checks.explanation.class_models import ClassModels, side_by_side
from snellen.instruments.visualisation.class_model import ClassModel

NAMES = ("ant", "bee", "cat", "dog")


def test_classes_that_were_answered_side_by_side() -> None:
    seen = subject(scores([0, 2, 2, 0], 4), names=NAMES)
    (finding,) = ClassModels(classes=3, steps=4)(seen)
    assert finding.severity == "info"
    tiles = gallery(finding, "Class models").tiles
    assert [tile.caption for tile in tiles] == ["ant", "cat"]
    assert [p.name for p in tiles[0].pictures] == ["without blur", "blurred every 5"]
    plain = ClassModel(4)(seen.network, [0, 2], seed=0)
    assert np.allclose(tiles[1].pictures[0].raw, plain.pixels[1], atol=1e-6)
    lowest = float(plain.reached(plain.logits)[1].min())
    assert finding.measured == {"class_model_probability": pytest.approx(lowest, abs=1e-6)}
    assert f"at least {lowest:.1%} probability" in finding.sentence
    series = curve(finding, "Score along the ascent").series
    assert set(series) == {f"{n}, {s}" for n in ("ant", "cat") for s in ("without blur", "blurred every 5")}
    assert all(len(x) == len(y) == 4 for x, y in series.values())


def test_the_seed_draws_the_classes() -> None:
    drawn = set()
    for seed in range(6):
        (finding,) = ClassModels(classes=1, steps=1)(subject(scores([0, 1, 2, 3], 4), names=NAMES, seed=seed))
        drawn.add(gallery(finding, "Class models").tiles[0].caption)
    assert len(drawn) > 1
    again = {ClassModels(classes=1, steps=1)(subject(scores([0, 1, 2, 3], 4), seed=3))[0].sentence for _ in range(2)}
    assert len(again) == 1


def test_a_class_that_never_moves_is_a_warning() -> None:
    class Half(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = linear(2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            live = self.head(x)
            return torch.stack([live[:, 0], torch.relu(live[:, 1] - 1e6)], dim=1)

    finding = side_by_side(
        network(Half(), names=("ant", "bee")),
        [0, 1],
        plain=ClassModel(3),
        blur=(2, 1.0),
        size=(6, 6),
        seed=0,
        progress=None,
    )
    assert finding.severity == "warning"
    assert "The score of bee never moved" in finding.sentence
    assert finding.remedy


def test_no_gradient_at_all_says_so() -> None:
    class Cut(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.detach().flatten(1)[:, :2]

    with pytest.raises(NotApplicable, match="gradient"):
        ClassModels(steps=2)(subject(scores([0, 1], 2), module=Cut()))


@pytest.mark.parametrize(
    "settings", [{"classes": 0}, {"steps": 0}, {"blur_sigma": 0.0}, {"blur_every": 0}, {"blur_every": -1}]
)
def test_settings_out_of_range(settings: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="got"):
        ClassModels(**settings)  # type: ignore[arg-type]
