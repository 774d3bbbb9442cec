"""Pixels that are normalised here and once more by the module."""

from dataclasses import replace

import torch
from torch import nn

from checks.hand_made import linear, network, noise
from snellen.checks.data.normalised_twice import normalised_twice
from snellen.subject.network import Network
from toys import Toy
from untouched import untouched

PIXELS = noise(1)
S = torch.tensor([0.2, 0.25, 0.3]).view(1, 3, 1, 1)


def normalising(scale: float = 1.0) -> nn.Module:
    return Toy(lambda m, x: m.inner((x - 0.5) / (S * scale)), inner=linear(3))


def test_twice_is_a_warning_with_both_normalisations() -> None:
    subject = replace(network(normalising()), mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    with untouched(subject.module):
        (finding,) = normalised_twice(subject, PIXELS)
    assert finding.severity == "warning"
    assert "mean 0.485, 0.456, 0.406 and std 0.229, 0.224, 0.225" in finding.sentence
    assert "again with mean 0.5, 0.5, 0.5 and std 0.2, 0.25, 0.3" in finding.sentence


def test_once_is_no_finding_on_either_side() -> None:
    assert not normalised_twice(network(normalising()), PIXELS)
    given = Network(linear(3), mean=(0.5,), std=(0.25,), preprocessing=network(linear(3)).preprocessing)
    assert not normalised_twice(given, PIXELS)


def test_a_change_from_one_normalisation_to_another_is_none() -> None:
    """Inception's ``transform_input``: x * (0.229 / 0.5) + (0.485 - 0.5) / 0.5."""
    module = Toy(lambda m, x: m.inner(x * (0.229 / 0.5) + (0.485 - 0.5) / 0.5), inner=linear(3))
    assert not normalised_twice(replace(network(module), mean=(0.485,), std=(0.229,)), PIXELS)
