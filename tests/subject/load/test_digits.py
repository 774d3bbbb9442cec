"""scikit-learn's digits, enlarged and split once and for all."""

import hashlib

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from snellen._errors import UsageError
from snellen.subject.load.digits import digit_pixels, digits_images


def rows(part: str) -> list[int]:
    images = digits_images(part)  # type: ignore[arg-type]
    return [int(images.source.name(i).removeprefix("digit ")) for i in range(len(images))]


def test_the_parts_are_the_whole() -> None:
    test, train = rows("test"), rows("train")
    assert (len(test), len(train)) == (500, 1297)
    assert sorted(test + train) == rows("all") == list(range(1797))


def test_the_same_digits_are_held_out_for_ever() -> None:
    digest = hashlib.sha256(",".join(map(str, rows("test"))).encode()).hexdigest()
    assert digest == "18926e6c71a7df41721314033fe38a90dc856e9cac8bcf7ec0ea42ccc93fb961"


def test_classes_are_held_out_in_proportion() -> None:
    whole = torch.bincount(digit_pixels("all")[1]).double()
    held_out = torch.bincount(digit_pixels("test")[1]).double()
    assert (held_out - whole * 500 / 1797).abs().max() < 1


def test_labels_and_pictures_are_scikit_learns() -> None:
    table = load_digits()
    pixels, labels = digit_pixels("all")
    assert labels.tolist() == table.target.tolist()
    shrunk = torch.nn.functional.avg_pool2d(pixels, 4).squeeze(1).numpy()
    assert all(np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.97 for a, b in zip(shrunk, table.images, strict=True))


def test_pixels_are_grey_values_of_a_picture() -> None:
    pixels, _ = digit_pixels("test")
    assert pixels.shape == (500, 1, 32, 32)
    assert pixels.dtype == torch.float32
    assert pixels.min() == 0
    assert pixels.max() == 1
    assert torch.equal((pixels * 255).round() / 255, pixels)


def test_images_and_pixels_agree() -> None:
    images, (pixels, labels) = digits_images("test"), digit_pixels("test")
    for index in (0, 17, 499):
        assert np.array_equal(np.asarray(images.source.decode(index)), (pixels[index, 0] * 255).round().numpy())
    assert images.labels is not None
    assert images.labels.tolist() == labels.tolist()
    assert images.class_names == tuple("0123456789")
    assert images.name == "scikit-learn digits, held-out 500 of 1,797"


def test_what_is_returned_is_the_callers_own() -> None:
    digit_pixels("test")[0].zero_()
    digit_pixels("test")[1].zero_()
    pixels, labels = digit_pixels("test")
    assert pixels.max() == 1
    assert labels.max() == 9


def test_an_unknown_part_is_refused() -> None:
    with pytest.raises(UsageError, match="test, train, all, got 'validation'"):
        digits_images("validation")  # type: ignore[arg-type]
