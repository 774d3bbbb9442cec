"""Cut-outs: what is visible of them, and how they are scaled and turned."""

import numpy as np
import pytest

from snellen._errors import ImagesError
from snellen.subject.load.cut_outs import VISIBLE, CutOuts, ellipses, tight_box


def bar(height: int = 40, width: int = 20) -> CutOuts:
    """A solid rectangle in the middle of 64 x 64."""
    alpha = np.zeros((1, 64, 64), np.uint8)
    alpha[0, 32 - height // 2 : 32 + height // 2, 32 - width // 2 : 32 + width // 2] = 255
    return CutOuts(alpha, np.array([0]), ("bar",))


def test_the_tight_box_is_that_of_the_true_pixels() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        mask = rng.random((9, 7)) < 0.05
        rows, columns = np.nonzero(mask)
        slow = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) if len(rows) else (0, 0, 0, 0)
        assert tight_box(mask) == slow


@pytest.mark.parametrize("side", [10, 20, 31.7])
def test_the_longer_side_of_what_is_visible_gets_the_size(side: float) -> None:
    alpha, colour = bar().drawn(0, side=side, turn=0)
    left, top, right, bottom = tight_box(alpha >= VISIBLE / 255)
    assert colour is None
    assert abs((bottom - top) - side) <= 1
    assert abs((right - left) - side / 2) <= 1


def test_turning_swaps_the_sides_and_keeps_the_area() -> None:
    upright, _ = bar().drawn(0, side=24, turn=0)
    lying, _ = bar().drawn(0, side=24, turn=90)
    left, top, right, bottom = tight_box(lying >= VISIBLE / 255)
    assert (right - left, bottom - top) == (24, 12)
    slanted, _ = bar().drawn(0, side=24, turn=30)
    assert slanted.sum() == pytest.approx(upright.sum(), rel=0.03)


def test_an_ellipse_covers_pi_quarters_of_its_picture() -> None:
    pictures = np.full((2, 60, 40, 3), 200, np.uint8)
    cut = ellipses(pictures, np.array([1, 0]), ("a", "b"))
    assert cut.alpha[0].mean() / 255 == pytest.approx(np.pi / 4, rel=0.1)
    assert cut.alpha[0, [0, 0, -1, -1], [0, -1, 0, -1]].tolist() == [0, 0, 0, 0]
    alpha, colour = cut.drawn(0, side=30, turn=0)
    assert colour is not None
    assert colour.shape == (3, *alpha.shape)
    assert colour == pytest.approx(200 / 255)


def test_what_cannot_be_a_cut_out_is_refused() -> None:
    alpha = bar().alpha
    with pytest.raises(ImagesError, match="one class each"):
        CutOuts(alpha, np.array([0, 0]), ("bar",))
    with pytest.raises(ImagesError, match="one class each"):
        CutOuts(alpha[:0], np.array([], int), ("bar",))
    with pytest.raises(ImagesError, match="from 0 to 0, got 1 to 1"):
        CutOuts(alpha, np.array([1]), ("bar",))
    with pytest.raises(ImagesError, match="cut-out 0 is less than half opaque"):
        CutOuts(alpha // 2, np.array([0]), ("bar",))
    with pytest.raises(ImagesError, match="colours must be of shape"):
        CutOuts(alpha, np.array([0]), ("bar",), np.zeros((1, 3, 64, 64), np.uint8))
    with pytest.raises(ImagesError, match=r"expected pictures \(m, h, w, 3\)"):
        ellipses(np.zeros((2, 3, 8), np.uint8), np.array([0, 0]), ("a",))
