"""Backgrounds: in range, of the size asked for, the same for the same generator."""

import numpy as np
import pytest

from snellen._errors import ImagesError
from snellen.subject.load.backgrounds import DrawnBackgrounds, PhotoBackgrounds


def test_a_drawn_background_depends_on_the_generator_alone() -> None:
    first, again, other = (DrawnBackgrounds().draw(np.random.default_rng(seed), 40) for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert (first.shape, first.dtype) == ((3, 40, 40), np.float32)


def test_drawn_backgrounds_are_dark_with_light_things_in_some() -> None:
    rng = np.random.default_rng(0)
    drawn = np.stack([DrawnBackgrounds().draw(rng, 48) for _ in range(40)])
    assert 0 <= drawn.min() <= drawn.max() <= 1
    assert drawn.mean() < 0.4
    light = (drawn.mean(axis=1) > 0.6).any(axis=(1, 2))
    assert 0.2 < light.mean() < 1


def test_a_photograph_is_cut_and_mirrored_not_bent() -> None:
    """In a picture whose columns brighten from left to right every cut rises or falls by what its width says."""
    ramp = np.broadcast_to(np.arange(200, dtype=np.uint8)[None, :, None], (100, 200, 3))
    photos = PhotoBackgrounds((ramp,))
    rng = np.random.default_rng(0)
    drawn = [photos.draw(rng, 50) for _ in range(20)]
    rises = np.array([picture[0, 0, -1] - picture[0, 0, 0] for picture in drawn]) * 255
    assert all(picture.shape == (3, 50, 50) for picture in drawn)
    assert (np.abs(rises) > 0.6 * 100 * 0.95).all()
    assert (np.abs(rises) < 100).all()
    assert (rises > 0).any()
    assert (rises < 0).any()
    assert all(np.ptp(picture, axis=1).max() < 1e-6 for picture in drawn)


def test_no_photographs_is_an_error() -> None:
    with pytest.raises(ImagesError, match="at least one photograph"):
        PhotoBackgrounds(())
