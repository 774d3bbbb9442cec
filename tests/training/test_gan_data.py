"""Images of any kind at a size that is reached, and what they must have."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gan_lessons import small_data
from snellen._errors import ImagesError, UsageError
from snellen.training.gan_data import load_gan_data, needs


def test_grey_images_have_one_channel_and_colours_three(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    levels = rng.integers(0, 256, (6, 16, 16, 1), dtype=np.uint8)
    np.savez(tmp_path / "grey.npz", images=levels.repeat(3, axis=3))
    coloured = levels.repeat(3, axis=3)
    coloured[5, 0, 0, 2] ^= 1
    np.savez(tmp_path / "coloured.npz", images=coloured)
    grey, colours = (load_gan_data(str(tmp_path / name)) for name in ("grey.npz", "coloured.npz"))
    assert (grey.channels, colours.channels, grey.side) == (1, 3, 16)
    assert np.array_equal(grey.images[:, 0].numpy(), levels[..., 0])
    assert grey.labels is None
    assert grey.fingerprint != colours.fingerprint
    pixels = grey.pixels(torch.tensor([2, 0]), mirrored=torch.tensor([False, True]))
    np.testing.assert_allclose(pixels[0, 0].numpy(), levels[2, ..., 0] / 127.5 - 1, atol=1e-6)
    np.testing.assert_allclose(pixels[1, 0].numpy(), levels[0, :, ::-1, 0] / 127.5 - 1, atol=1e-6)


def test_photographs_are_cut_to_their_centre_square(tmp_path: Path) -> None:
    pixels = np.zeros((32, 48, 3), np.uint8)
    pixels[:, 8:40] = 200  # the centre square
    for name, size in (("a", (48, 32)), ("b", (96, 64))):
        (tmp_path / name).mkdir()
        Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST).save(tmp_path / name / "1.png")
    with pytest.raises(UsageError, match=r"several sizes: say at which to train, such as --side 32"):
        load_gan_data(str(tmp_path))
    data = load_gan_data(str(tmp_path), side=16)
    assert data.images.shape == (2, 1, 16, 16)
    assert data.images[:, :, :, 2:-2].unique().tolist() == [200], "the dark margins are cut off, but for the filter"
    assert (data.class_names, data.labels.tolist() if data.labels is not None else None) == (("a", "b"), [0, 1])


def test_sizes_that_are_not_reached_are_refused_with_the_list(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", images=np.zeros((4, 28, 28), np.uint8))
    with pytest.raises(UsageError, match=r"28 x 28 pixels .* reaches 8 x 8, 16 x 16, 32 x 32, .* --side, such as 32"):
        load_gan_data(str(tmp_path / "x.npz"))
    with pytest.raises(UsageError, match="cannot reach 28 x 28"):
        load_gan_data(str(tmp_path / "x.npz"), side=28)
    assert load_gan_data(str(tmp_path / "x.npz"), side=32).side == 32


def test_images_with_nan_are_refused(tmp_path: Path) -> None:
    images = np.zeros((4, 8, 8, 1), np.float32)
    images[2, 0, 0] = np.nan
    np.savez(tmp_path / "x.npz", images=images)
    with pytest.raises(ImagesError, match=r"(?i)nan|finite"):
        load_gan_data(str(tmp_path / "x.npz"))


def test_what_a_training_needs_is_asked_for() -> None:
    data = small_data(20)
    assert needs(data, batch=20, conditional=True) is data
    with pytest.raises(ImagesError, match="of 21 different images and pictures has 20; take a --batch-size of"):
        needs(data, batch=21, conditional=False)
    unlabelled = replace(data, labels=None, class_names=None)
    assert needs(unlabelled, batch=8, conditional=False) is unlabelled
    with pytest.raises(ImagesError, match="pictures has no labels"):
        needs(unlabelled, batch=8, conditional=True)
    labels = data.labels.clone() if data.labels is not None else torch.zeros(0)
    labels[:5] = -1
    part = needs(replace(data, labels=labels), batch=8, conditional=True)
    assert (len(part), len(part.source), part.notes) == (15, 15, ("5 images have no label and were left out",))
    with pytest.raises(ImagesError, match="images of one class"):
        needs(replace(data, labels=labels.clamp(0, 0), class_names=("only",)), batch=8, conditional=True)
