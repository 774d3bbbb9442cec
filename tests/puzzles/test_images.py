"""Images however they were stored, and grids that do not divide them."""

from typing import Any

import numpy as np
import pytest

from puzzles.scenes import scenes
from snellen._errors import ImagesError
from snellen.puzzles.grid import Grid
from snellen.puzzles.images import check_grid, stored_images

IMAGES = scenes(3, 8, 6)


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (IMAGES, ""),
        (IMAGES.astype(np.float32), "float32 of whole numbers from 0 to 255"),
        (IMAGES.astype(np.float64), "float64 of whole numbers"),
        (IMAGES.astype(np.int64), "int64 of whole numbers"),
        (IMAGES / 255, "floats in [0, 1]"),
        ((IMAGES / 255).astype(np.float16), "floats in [0, 1]"),
        (IMAGES.transpose(0, 3, 1, 2), "channels first"),
        ((IMAGES / 255).transpose(0, 3, 1, 2), "channels first"),
    ],
    ids=["uint8", "float 0-255", "double 0-255", "int64", "float", "half", "first", "float first"],
)
def test_the_same_images(array: Any, said: str) -> None:
    found, notes = stored_images(array, "x")
    assert np.array_equal(found, IMAGES)
    assert found.dtype == np.uint8
    assert said in "; ".join(notes)
    assert bool(notes) == bool(said)


def test_grey() -> None:
    assert np.array_equal(stored_images(IMAGES[..., 0], "x")[0][..., 0], IMAGES[..., 0])


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (IMAGES / 2 + 0.25, ("from 0.25 to 127.75", "not whole")),
        (IMAGES + 0.25, ("from 0.25 to 255.25", "not whole", "as floats in [0, 1]")),
        (IMAGES / 127.5 - 1, ("from -1 to 1", "Undo any normalisation")),
        (IMAGES.astype(np.int64) * 2, ("from 0 to 510",)),
        (IMAGES.astype(complex), ("complex128",)),
        (np.where(np.arange(3).reshape(3, 1, 1, 1) == 1, np.nan, IMAGES), ("image 1 holds NaN",)),
        (IMAGES.reshape(3, -1), ("shape (3, 144)",)),
        (IMAGES[0, 0], ("shape (6, 3)",)),
    ],
    ids=["not whole", "beyond", "[-1, 1]", "too large", "complex", "NaN", "flattened", "rows"],
)
def test_what_is_refused(array: Any, words: tuple[str, ...]) -> None:
    with pytest.raises(ImagesError) as error:
        stored_images(array, "x")
    assert all(word in str(error.value) for word in words), error.value


@pytest.mark.parametrize(
    ("side", "grid", "words"),
    [
        ((33, 32), Grid(2, 2), ("got 33 x 32", "Crop them to 32 x 32", "such as 1x2 or 3x2")),
        ((32, 32), Grid(3, 3), ("got 32 x 32", "Crop them to 30 x 30", "such as 2x2")),
        ((1, 7), Grid(2, 2), ("Give larger images",)),
    ],
)
def test_sides_that_the_grid_does_not_divide(side: tuple[int, int], grid: Grid, words: tuple[str, ...]) -> None:
    with pytest.raises(ImagesError) as error:
        check_grid((5, *side, 3), grid)
    assert all(word in str(error.value) for word in words), error.value
    check_grid((5, 2 * grid.rows, 3 * grid.columns, 3), grid)
