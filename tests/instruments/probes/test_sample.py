"""Labelled images: which are used, in what order, and that they are decoded once."""

import numpy as np
import pytest
import torch

from snellen import ImagesError, Preprocessing, load_images
from snellen.instruments.probes.sample import Sample, labelled

FIT = Preprocessing(size=(8, 8))


def sample(count: int = 10, side: int = 8) -> Sample:
    pixels = np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)
    images = load_images(pixels, labels=np.where(np.arange(count) % 4 == 3, -1, np.arange(count) % 3))
    return labelled(images, Preprocessing(size=(side, side)), role="points", batch_size=3)


def test_images_of_unknown_class_are_left_out_and_counted() -> None:
    found = sample()
    assert found.rows.tolist() == [0, 1, 2, 4, 5, 6, 8, 9]
    assert found.labels.tolist() == [0, 1, 2, 1, 2, 0, 2, 0]
    assert found.unused == 2
    assert torch.equal(torch.cat(list(found)), found.images.pixels(FIT, indices=found.rows.tolist()))


def test_the_second_pass_is_the_first() -> None:
    found = sample()
    first, second = list(found), list(found)
    assert all(a is b for a, b in zip(first, second, strict=True))
    assert list(found.fitted(found.preprocessing)) == first
    assert next(iter(found.fitted(Preprocessing(size=(4, 4))))).shape == (3, 3, 4, 4)


def test_thinned_is_evenly_spaced() -> None:
    assert sample().thinned(3).rows.tolist() == [0, 5, 9]
    assert sample().thinned(99).rows.tolist() == sample().rows.tolist()


def test_digests_are_equal_where_the_pixels_are() -> None:
    pixels = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    pixels[3] = pixels[1]
    a, b, c, d = labelled(load_images(pixels, labels=[0] * 4), FIT, role="points", batch_size=2).digests()
    assert b == d
    assert len({a, b, c}) == 3


def test_large_pictures_are_averaged_before_they_are_compared() -> None:
    vectors, side = sample(5, side=128).flat()
    assert (vectors.shape, side) == ((4, 3 * 64 * 64), 64)
    first = next(iter(sample(5, side=128)))[0, 0]
    assert float(vectors[0, 0]) == pytest.approx(float(first[:2, :2].mean()))
    assert sample(5).flat()[1] == 0


def test_sets_that_cannot_be_used() -> None:
    pixels = np.zeros((3, 8, 8, 3), dtype=np.uint8)
    with pytest.raises(ImagesError, match=r"the queries \(array\) have no labels.*test_labels"):
        labelled(load_images(pixels), FIT, role="queries", batch_size=2)
    with pytest.raises(ImagesError, match="none of the 3 points"):
        labelled(load_images(pixels, labels=[-1, -1, -1]), FIT, role="points", batch_size=2)
