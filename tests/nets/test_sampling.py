"""Samples by a seed, of a class, without extremes; files that make no images say what they are."""

import math

import pytest
import torch

from snellen._errors import NetworkError, NotApplicable, UsageError
from snellen.nets.discriminator import Discriminator
from snellen.nets.generator import Generator
from snellen.nets.sampling import classes_of, latents, sample
from snellen.nets.saved import Saved
from snellen.nets.small_vgg import SmallVGG


def made(classes: int = 0) -> Saved:
    torch.manual_seed(0)
    names = ["ant", "bee", "cat"][:classes] or None
    return Saved(
        Generator(side=8, width=2, latent=16, classes=classes).eval(),
        kind="generator",
        settings={},
        task="generate",
        mean=(0.5,),
        std=(0.5,),
        about={"class_names": names, "class_counts": [1, 1, 8][:classes] or None},
    )


def test_samples_are_what_the_generator_makes_of_the_latent_vectors() -> None:
    saved = made()
    found = sample(saved, 300, seed=3)
    expected = (saved.module(latents(300, 16, seed=3)) + 1) / 2
    torch.testing.assert_close(found, expected.detach())
    assert torch.equal(found, sample(saved, 300, seed=3))
    assert not torch.equal(found, sample(saved, 300, seed=4))


def test_truncated_numbers_are_normal_numbers_without_the_extremes() -> None:
    """The variance of a standard normal number within ±a is 1 - 2 a φ(a) / (2 Φ(a) - 1)."""
    drawn = latents(4000, 16, seed=0, truncation=1.0)
    assert drawn.abs().max() <= 1
    density = math.exp(-0.5) / math.sqrt(2 * math.pi)
    assert drawn.var().item() == pytest.approx(1 - 2 * density / math.erf(1 / math.sqrt(2)), abs=0.01)
    assert drawn.mean().item() == pytest.approx(0, abs=0.01)
    assert latents(4000, 16, seed=0, truncation=50.0).var().item() == pytest.approx(1, abs=0.02)
    with pytest.raises(UsageError, match=r"above 0, such as 0\.7, got 0"):
        latents(1, 1, seed=0, truncation=0.0)


def test_classes_are_those_named_in_turn_or_as_often_as_in_training() -> None:
    saved = made(3)
    named = classes_of(saved, 5, names=["cat", "ant"])
    assert named is not None
    assert named.tolist() == [2, 0, 2, 0, 2]
    drawn = classes_of(saved, 5000)
    assert drawn is not None
    assert (drawn == 2).float().mean().item() == pytest.approx(0.8, abs=0.02)
    assert sample(saved, 5, classes=named).shape == (5, 1, 8, 8)
    with pytest.raises(UsageError, match="no class named 'bea'; did you mean bee"):
        classes_of(saved, 5, names=["bea"])
    with pytest.raises(NotApplicable, match="trained without classes and cannot be asked for 'ant'"):
        classes_of(made(), 5, names=["ant"])
    assert classes_of(made(), 5) is None
    with pytest.raises(UsageError, match="one class for each of 4 images, got 5"):
        sample(saved, 4, classes=named)


def test_a_file_that_makes_no_images_says_what_it_is() -> None:
    judge = Saved(Discriminator(side=8), kind="discriminator", settings={}, task="discriminate")
    with pytest.raises(NetworkError, match="this is the discriminator of a training"):
        sample(judge, 1)
    classifier = Saved(SmallVGG(), kind="small_vgg", settings={}, task="classify")
    with pytest.raises(NetworkError, match=r"a network trained to classify \(small_vgg\), which makes no images"):
        sample(classifier, 1)
    with pytest.raises(UsageError, match="at least 1, got 0"):
        sample(made(), 0)
