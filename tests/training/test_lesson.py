"""A lesson begins with what it is given, and every step of it is a function of the seed and its number."""

from pathlib import Path

import pytest
import torch

from lessons import quick, small_lesson, small_set
from snellen._errors import UsageError
from snellen.training.classify import train
from snellen.training.dataset import load_dataset
from snellen.training.initial import Initial
from snellen.training.lesson import prepare
from snellen.training.settings import Settings

ALL = {"mixup": 0.5, "cutmix": 0.5, "cutout": 4, "jitter": 0.2, "smoothing": 0.1, "flip": True, "dropout": 0.2}


def test_it_begins_with_what_it_is_given_and_its_normalisation(tmp_path: Path) -> None:
    first = train(small_lesson(tmp_path))
    initial = Initial(dict(first.saved.module.state_dict()), "first", (0.3,), (0.2,))
    lesson = prepare(small_set(tmp_path), quick(), initial)
    assert (lesson.mean, lesson.std) == ((0.3,) * 3, (0.2,) * 3)
    theirs = first.saved.module.state_dict()
    assert all(torch.equal(value, theirs[name]) for name, value in lesson.module.state_dict().items())
    assert lesson.command["start"] == initial.fingerprint
    assert prepare(small_set(tmp_path), quick()).command["start"] is None


def test_what_a_step_sees_is_its_number_and_the_seed(tmp_path: Path) -> None:
    one, other, third = (small_lesson(tmp_path, **ALL, seed=seed) for seed in (0, 0, 1))
    assert all(torch.equal(a, b) for a, b in zip(one.seen(5), other.seen(5), strict=True))
    assert not torch.equal(one.seen(5)[0], third.seen(5)[0])
    assert not torch.equal(one.seen(5)[0], one.seen(6)[0])
    images, targets = one.seen(5)
    assert images.is_contiguous(memory_format=torch.channels_last)
    assert torch.allclose(targets.sum(dim=1), torch.ones(8))


def test_grey_images_are_not_mirrored_unless_that_is_wanted() -> None:
    data = load_dataset("digits", limit=60)
    assert not prepare(data, Settings(network="small_vgg")).flips
    assert prepare(data, Settings(network="small_vgg", flip=True)).flips


def test_an_image_is_mirrored_in_every_other_epoch_and_half_of_them_in_the_first() -> None:
    data = load_dataset("digits", limit=60)
    lesson = prepare(data, Settings(network="small_vgg", flip=True, shift=0, batch=5, epochs=4))
    labels = lesson.data.labels
    lesson.data.labels.copy_(torch.arange(len(labels)))  # so that a step tells which images it shows
    plain = lesson.normalised(lesson.data.views.augmented(labels, torch.Generator(), flip=False, shift=0))
    turned = torch.zeros(4, len(labels), dtype=torch.int)
    for step in range(4 * lesson.epoch):
        for image, row in zip(*lesson.seen(step), strict=True):
            as_it_is, mirrored = torch.equal(image, plain[row]), torch.equal(image, plain[row].flip(2))
            assert as_it_is or mirrored
            turned[step // lesson.epoch, row] += mirrored and not as_it_is
    assert torch.equal(turned[0], 1 - turned[1])
    assert torch.equal(turned[0], turned[2])
    assert len(labels) / 4 < turned[0].sum() < 3 * len(labels) / 4


def test_batches_of_one_and_batch_norm(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"BatchNorm \(features\.1 of small_vgg\).*--batch-size of at least 2"):
        small_lesson(tmp_path, batch=1)
