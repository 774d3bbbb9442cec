"""The network that comes with Snellen."""

import hashlib
from importlib.resources import files

import pytest
import torch
from safetensors import safe_open

from snellen.subject.load.builtin import WEIGHTS, builtin_network
from snellen.subject.load.digits import digit_pixels
from snellen.training import digits as recipe
from snellen.training.digits import count_right


def test_the_file_is_below_two_megabytes() -> None:
    assert len(files("snellen").joinpath(WEIGHTS).read_bytes()) < 2_000_000


def test_held_out_accuracy_is_what_the_file_says() -> None:
    network = builtin_network()
    right = count_right(network, *digit_pixels("test"))
    assert right / 500 >= 0.985
    assert f"{right} of 500 held-out digits right" in network.notes[0]


def test_normalisation_is_the_training_parts() -> None:
    network, pixels = builtin_network(), digit_pixels("train")[0]
    assert network.mean == pytest.approx([pixels.mean().item()], rel=1e-6)
    assert network.std == pytest.approx([pixels.std().item()], rel=1e-6)


def test_what_the_report_prints() -> None:
    network = builtin_network()
    assert network.name == "SmallVGG on digits (built in)"
    assert network.class_names == tuple("0123456789")
    assert network.preprocessing.describe() == "scaled to 32 x 32 (bicubic) where it differs, grey"
    assert "seed 0" in network.notes[0]


def test_every_call_builds_its_own_in_evaluation_mode() -> None:
    first, second = builtin_network(), builtin_network()
    assert not first.module.training
    with torch.no_grad():
        next(first.module.parameters()).zero_()
    assert next(second.module.parameters()).abs().sum() > 0


def test_the_shipped_weights_were_made_by_the_recipe_as_it_stands() -> None:
    """Whoever edits the recipe trains again, or the file tells of a recipe that nobody has."""
    with safe_open(files("snellen").joinpath(WEIGHTS), "pt") as opened:
        told = opened.metadata()["recipe_sha256"]
    assert told == hashlib.sha256(recipe._code().encode()).hexdigest()
