"""Pictures on the page: right colours, crisp when small, and never over the budget."""

import io
from base64 import b64decode

import numpy as np
import pytest
from PIL import Image

from report.synthetic import gallery, photo
from snellen.findings.evidence import HeatMap, Picture
from snellen.report.heat import coloured, ends, gradient, scaled
from snellen.report.thumbnails import Thumbnail, Viewable, thumbnails


def _only(picture: Viewable) -> Thumbnail:
    return thumbnails([picture])[id(picture)]


def _decoded(thumbnail: Thumbnail) -> Image.Image:
    return Image.open(io.BytesIO(b64decode(thumbnail.uri.partition(",")[2]))).convert("RGB")


def _heat(values: object, low: float, high: float, kind: str = "sequential") -> HeatMap:
    return HeatMap("h", np.asarray(values, dtype=np.float32), low, high, "unit", kind)  # type: ignore[arg-type]


def test_a_small_picture_is_kept_exactly() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 20, 3), dtype=np.uint8)
    made = _only(Picture("digit", pixels))
    assert (made.crisp, made.width, made.height) == (True, 20, 32)
    assert made.uri.startswith("data:image/png;")
    assert (np.asarray(_decoded(made)) == pixels).all()


def test_a_photograph_keeps_its_shape_and_looks_the_same() -> None:
    pixels = photo(np.random.default_rng(0), 600)[:300]
    made = _only(Picture("photo", pixels))
    assert (made.crisp, made.width, made.height) == (False, 480, 240)
    small = np.asarray(Image.fromarray(pixels).resize((480, 240), Image.Resampling.LANCZOS), dtype=float)
    assert np.abs(np.asarray(_decoded(made), dtype=float) - small).mean() < 6


def test_colours_are_those_of_the_scale() -> None:
    dark, bright = np.asarray(_decoded(_only(_heat([[0.0, 2.0]], 0.0, 2.0))))[0]
    assert dark.sum() < 30 < 550 < bright.sum()
    blue, middle, red = np.asarray(_decoded(_only(_heat([[-4.0, 0.0, 4.0]], -4.0, 4.0, "diverging"))))[0].astype(int)
    assert blue[2] > blue[0]
    assert red[0] > red[2]
    assert middle.min() > 240


def test_a_diverging_scale_has_zero_in_the_middle() -> None:
    lopsided = _heat([[0.0, 3.0, -1.0]], -1.0, 3.0, "diverging")
    assert ends(lopsided) == (-3.0, 3.0)
    assert scaled(lopsided)[0] == pytest.approx([0.5, 1.0, 1 / 3])


def test_a_map_of_zeros_is_drawn_as_zeros() -> None:
    assert (scaled(_heat(np.zeros((4, 4)), 0.0, 0.0)) == 0).all()
    assert (scaled(_heat(np.zeros((4, 4)), 0.0, 0.0, "diverging")) == 0.5).all()
    assert (scaled(_heat(np.zeros((4, 4)), 0.0, 7.0)) == 0).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_has_no_colour_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="'h' holds NaN or infinity"):
        thumbnails([_heat([[0.0, bad]], 0.0, 1.0)])


def test_a_picture_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"uint8 \(h, w, 3\), got float64 \(4, 4\)"):
        thumbnails([Picture("p", np.zeros((4, 4)))])  # type: ignore[arg-type]


@pytest.mark.parametrize(("budget", "all_there"), [(120_000, True), (18_000, True), (1_200, False)])
def test_the_budget_holds(budget: int, all_there: bool) -> None:
    pictures = [p for tile in gallery(3, size=128).tiles for p in tile.pictures]
    made = thumbnails(pictures, budget=budget)
    assert sum(len(made[id(p)].uri) for p in pictures if id(p) in made) <= budget
    assert (len(made) == len(pictures)) == all_there


def test_a_picture_shown_twice_counts_twice() -> None:
    picture = Picture("p", photo(np.random.default_rng(0)))
    once = len(_only(picture).uri)
    assert len(thumbnails([picture] * 4, budget=2 * once)[id(picture)].uri) * 4 <= 2 * once


def test_the_bar_has_the_colours_of_the_map() -> None:
    for kind in ("sequential", "diverging"):
        first, last = coloured(np.array([0.0, 1.0]), kind)
        bar = gradient(kind)  # type: ignore[arg-type]
        assert f"#{bytes(first).hex()}" in bar
        assert f"#{bytes(last).hex()}" in bar
