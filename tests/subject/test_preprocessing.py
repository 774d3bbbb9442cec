"""Fitting a picture: the usual ImageNet protocol by hand, and the right size whatever comes in."""

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from snellen._errors import UsageError
from snellen.subject.fitting import fitted
from snellen.subject.preprocessing import FILTERS, Preprocessing


def picture(width: int, height: int, mode: str = "RGB") -> Image.Image:
    values = np.random.default_rng(width * 1000 + height).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values).convert(mode)


@pytest.mark.parametrize(("width", "height"), [(500, 375), (375, 500), (64, 64), (30, 97), (300, 256), (256, 256)])
def test_short_side_then_centre_crop_by_hand(width: int, height: int) -> None:
    """torchvision's arithmetic on Pillow images: int(64 * long / short), and int(round(margin / 2.0))."""
    fit = Preprocessing(size=(56, 48), resize=64)
    source = picture(width, height)
    short = min(width, height)
    scaled = (int(64 * width / short), int(64 * height / short))
    left, top = round((scaled[0] - 48) / 2), round((scaled[1] - 56) / 2)
    resized = source.resize(scaled, Image.Resampling.BILINEAR)
    expected = np.asarray(resized)[top : top + 56, left : left + 48]
    assert np.array_equal(np.asarray(fit.fit(source)), expected)


def test_without_resize_it_is_scaled_whatever_its_proportions() -> None:
    source = picture(50, 20)
    found = Preprocessing(size=(10, 12), interpolation="bicubic").fit(source)
    assert np.array_equal(np.asarray(found), np.asarray(source.resize((12, 10), Image.Resampling.BICUBIC)))


@pytest.mark.parametrize(
    "fit", [Preprocessing(), Preprocessing(size=(20, 50)), Preprocessing(size=(20, 20), resize=20)]
)
def test_a_picture_of_the_right_size_is_untouched(fit: Preprocessing) -> None:
    source = picture(20 if fit.resize else 50, 20)
    assert np.array_equal(np.asarray(fit.fit(source)), np.asarray(source))


@given(
    width=st.integers(1, 300),
    height=st.integers(1, 300),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    more=st.none() | st.integers(0, 20),
    mode=st.sampled_from(["RGB", "L"]),
    filtered=st.sampled_from(sorted(FILTERS)),
)
@example(width=1, height=300, size=(40, 40), more=0, mode="RGB", filtered="bilinear")
@example(width=7, height=3, size=(5, 5), more=0, mode="L", filtered="lanczos")
@settings(max_examples=60, deadline=None, derandomize=True)
def test_the_size_is_always_right(
    width: int, height: int, size: tuple[int, int], more: int | None, mode: str, filtered: str
) -> None:
    resize = None if more is None else max(size) + more
    fit = Preprocessing(size=size, resize=resize, interpolation=filtered)
    found = fit.fit(picture(width, height, mode))
    assert (found.size, found.mode) == ((size[1], size[0]), mode)


@given(width=st.integers(1, 200), height=st.integers(1, 200), resize=st.integers(1, 60))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_the_crop_is_filled_with_picture(width: int, height: int, resize: int) -> None:
    """Pillow pads a crop that leaves the picture with black: a white picture shows it."""
    found = Preprocessing(size=(resize, resize), resize=resize).fit(Image.new("L", (width, height), 255))
    assert np.asarray(found).min() == 255


@pytest.mark.parametrize(
    ("channels", "shape", "count"), [("RGB", (8, 6, 3), 3), ("BGR", (8, 6, 3), 3), ("L", (8, 6, 1), 1)]
)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_fitted_gives_the_channels_that_go_in(channels: Any, shape: tuple[int, ...], count: int, mode: str) -> None:
    fit = Preprocessing(size=(8, 6), channels=channels)
    found = fitted(picture(11, 9, mode), fit)
    assert (found.shape, found.dtype, fit.count) == (shape, np.uint8, count)
    floats = np.asarray(picture(11, 9, mode), dtype=np.float32).reshape(9, 11, -1) / 255
    also = fitted(floats, fit)
    assert (also.shape, also.dtype) == (shape, np.float32)
    assert np.abs(also * 255 - found).max() <= 1.6, "both kinds of picture are fitted alike"


def test_describe() -> None:
    assert Preprocessing().describe() == "as stored, RGB"
    assert Preprocessing(size=(8, 9)).describe() == "scaled to 8 x 9 (bilinear) where it differs, RGB"
    usual = Preprocessing(size=(224, 224), resize=256, interpolation="bicubic", channels="BGR")
    assert usual.describe() == "short side to 256 (bicubic), centre crop 224 x 224, BGR"


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"interpolation": "cubic"}, "interpolation must be one of nearest, .* got 'cubic'"),
        ({"channels": "RGBA"}, "channels must be RGB, BGR or L, got 'RGBA'"),
        ({"size": (0, 4)}, r"at least 1, got \(0, 4\)"),
        ({"resize": 256}, "resize=256 needs a size to crop to"),
        ({"size": (224, 256), "resize": 250}, "at least the crop's larger side 256, got 250"),
    ],
)
def test_settings_out_of_range(setting: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Preprocessing(**setting)
