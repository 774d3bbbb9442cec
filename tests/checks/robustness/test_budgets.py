"""Robust accuracy within budgets, where the smallest budget of every image is known in closed form."""

import pytest
import torch

from checks.hand_made import linear, network, noise, silent
from snellen._errors import ImagesError, UsageError
from snellen.checks._base import Subject
from snellen.checks.robustness.budgets import LADDERS, Budgets
from snellen.findings.evidence import Table
from snellen.subject.load.arrays import array_images
from snellen.subject.network import Network
from snellen.subject.predictions import predict

PIXELS = 0.25 + (noise(30) * 127).round() / 255


def subject(labelled: bool = True) -> tuple[Subject, Network]:
    net = network(linear(2))
    labels = net.logits(PIXELS).argmax(dim=1)
    labels[:3] = 1 - labels[:3]
    images = array_images(PIXELS, labels=labels.numpy() if labelled else None)
    return Subject(net, images, predict(net, images), 0, silent), net


def test_the_curve_is_the_closed_form() -> None:
    """Two classes, linear: the least change of all values is the margin over the sum of the absolute weights."""
    seen, net = subject()
    (finding,) = Budgets(images=30, steps=5)(seen)
    weight = net.module[1].weight.detach()  # type: ignore[index,union-attr]
    shown = (PIXELS * 255).round() / 255
    margin = net.logits(shown).detach().diff(dim=1).abs()[:, 0]
    levels = 255 * margin / (weight[1] - weight[0]).abs().sum()
    right = torch.arange(30) >= 3
    for eps in LADDERS["linf"]:
        k = round(255 * eps)
        standing = int(((levels >= k) & right).sum())
        assert finding.measured[f"robust_accuracy_{k}"] == pytest.approx(standing / 30)
    table = next(e for e in finding.evidence if isinstance(e, Table))
    assert table.rows[0][:3] == (0, 27, 0.9)
    assert set(finding.measured) == set(Budgets.metrics)


def test_words() -> None:
    (finding,) = Budgets(images=30, steps=5)(subject()[0])
    assert "Of 30 images 27 are answered rightly" in finding.sentence
    assert "half of the right answers are gone within" in finding.sentence


def test_wrong_settings_and_images_without_labels() -> None:
    with pytest.raises(ImagesError, match="needs labels"):
        Budgets()(subject(labelled=False)[0])
    with pytest.raises(UsageError, match="no norm named 'l0'"):
        Budgets(norm="l0")
    with pytest.raises(UsageError, match="no attack named"):
        Budgets(method="nothing")
    with pytest.raises(UsageError, match="at least 1"):
        Budgets(images=0)
