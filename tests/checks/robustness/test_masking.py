"""A masked slope is said, an honest network is not accused."""

import pytest
import torch
from torch import Tensor, nn

from checks.hand_made import network, noise, silent
from snellen._errors import NotApplicable, UsageError
from snellen.checks._base import Subject
from snellen.checks.robustness.masking import GradientMasking
from snellen.findings.finding import Finding
from snellen.subject.load.arrays import array_images
from snellen.subject.predictions import predict
from toys import Toy

PIXELS = (noise(24) * 255).round() / 255


def inner() -> nn.Module:
    torch.manual_seed(5)
    return nn.Sequential(nn.Flatten(), nn.Linear(108, 32), nn.ReLU(), nn.Linear(32, 3))


def asked(module: nn.Module, *, wrong: bool = False) -> Finding:
    net = network(module.eval())
    labels: Tensor = net.logits(PIXELS).argmax(dim=1)
    images = array_images(PIXELS, labels=((labels + 1) % 3 if wrong else labels).numpy())
    (finding,) = GradientMasking(steps=5, queries=30)(Subject(net, images, predict(net, images), 0, silent))
    return finding


def test_an_honest_network_is_in_order() -> None:
    finding = asked(inner())
    assert (finding.severity, finding.measured["masking_ratio"]) == ("ok", 1.0)


def test_rounded_inputs_and_saturated_outputs_are_flagged() -> None:
    rounding = asked(Toy(lambda m, x: m.inner((x * 6).round() / 6), inner=inner()))
    assert rounding.severity == "warning"
    assert "Do not call it robust" in rounding.remedy
    saturated = asked(Toy(lambda m, x: torch.tanh(300 * m.inner(x)), inner=inner()))
    assert saturated.severity == "warning"
    assert saturated.measured["masking_ratio"] < 1
    assert "ends in a tanh" in saturated.sentence


def test_no_image_that_is_right_and_wrong_settings() -> None:
    with pytest.raises(NotApplicable, match="classified right, and there are none"):
        asked(inner(), wrong=True)
    with pytest.raises(UsageError, match="at least 1"):
        GradientMasking(images=0)
    with pytest.raises(UsageError, match="eps must be a positive number"):
        GradientMasking(eps="lots")
