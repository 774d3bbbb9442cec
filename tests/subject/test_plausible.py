"""Boxes in the wrong format are told by what would be impossible; right ones never are."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from snellen._errors import UsageError
from snellen.subject.load.digit_scenes import digit_scenes
from snellen.subject.plausible import READINGS, corners, plausible

KINDS = ("xyxy", "xywh", "cxcywh")


def written(boxes: NDArray[np.float64], sizes: NDArray[np.float64], reading: str) -> NDArray[np.float64]:
    """Corners in pixels, written in another way: the inverse of ``corners``, from the definitions."""
    kind, _, parts = reading.partition("-")
    left, top, right, bottom = (boxes / np.tile(sizes, 2) if parts else boxes).T
    wide, high = right - left, bottom - top
    forms = {
        "xyxy": (left, top, right, bottom),
        "xywh": (left, top, wide, high),
        "cxcywh": (left + wide / 2, top + high / 2, wide, high),
    }
    return np.stack(forms[kind], axis=1)


def uniform(seed: int, count: int, smallest: float, largest: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Boxes anywhere in images of many sizes, their sides from ``smallest`` to ``largest`` of the image's."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(40, 2000, (count, 2)).astype(float)
    sides = np.maximum(rng.uniform(smallest, largest, (count, 2)), 1 / sizes) * sizes
    corner = rng.random((count, 2)) * (sizes - sides)
    return np.concatenate([corner, corner + sides], axis=1), sizes


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 10**6), st.integers(1, 60), st.floats(0.01, 0.5), st.floats(0.5, 1), st.sampled_from(list(READINGS))
)
def test_right_data_is_never_flagged(seed: int, count: int, smallest: float, largest: float, reading: str) -> None:
    boxes, sizes = uniform(seed, count, smallest, largest)
    numbers = written(boxes, sizes, reading)
    assert corners(numbers, sizes, reading) == pytest.approx(boxes, rel=1e-9, abs=1e-9)
    verdict = plausible(numbers, sizes, declared=reading)  # type: ignore[arg-type]
    assert (verdict.share, verdict.better) == (0, ())


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(list(READINGS)), st.sampled_from(list(READINGS)))
def test_a_wrong_format_is_flagged_with_the_right_one_among_the_better(seed: int, truth: str, declared: str) -> None:
    """On 300 boxes of a twentieth to a half of the image: what no box is impossible in is the format they have."""
    if truth == declared:
        return
    boxes, sizes = uniform(seed, 300, 0.05, 0.5)
    verdict = plausible(written(boxes, sizes, truth), sizes, declared=declared)  # type: ignore[arg-type]
    assert verdict.better == (truth,)
    assert verdict.impossible[truth] == 0


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(KINDS))
def test_careless_annotators_are_no_other_format(seed: int, reading: str) -> None:
    """One box in twenty without area or out of the image."""
    boxes, sizes = uniform(seed, 200, 0.05, 0.5)
    boxes[::40, 2:] = boxes[::40, :2]
    boxes[20::40] += 0.9 * np.tile(sizes[20::40], 2)
    verdict = plausible(written(boxes, sizes, reading), sizes, declared=reading)  # type: ignore[arg-type]
    assert 0.02 < verdict.share <= 0.05
    assert verdict.better == ()


def test_digit_scenes_tell_the_formats_apart() -> None:
    scenes = digit_scenes("test", count=70, most=3)
    boxes = np.concatenate([objects.boxes.numpy() for objects in scenes.objects]).astype(float)
    sizes = np.full((len(boxes), 2), 80.0)
    for truth, declared in product(KINDS, KINDS):
        verdict = plausible(written(boxes, sizes, truth), (80, 80), declared=declared)  # type: ignore[arg-type]
        assert verdict.better == (() if truth == declared else (truth,))


def test_parts_read_as_pixels_are_smaller_than_a_pixel() -> None:
    verdict = plausible([[0.5, 0.5, 0.2, 0.2], [0.25, 0.5, 0.5, 0.5]], (640, 480), declared="xyxy")
    assert verdict.impossible["xyxy"] == 2
    assert "cxcywh-parts" in verdict.better
    assert verdict.sentence.startswith("2 of 2 boxes are impossible as (left, top, right, bottom) in pixels; read as (")


def test_numbers_that_are_none_are_impossible_under_every_reading() -> None:
    verdict = plausible([[np.nan, 0, 1, 1], [0, 0, np.inf, 9]], (20, 20))
    assert set(verdict.impossible.values()) == {2}
    assert verdict.better == ()
    assert plausible(np.zeros((0, 4)), (20, 20)).better == ()


def test_what_is_refused() -> None:
    with pytest.raises(UsageError, match="declared must be one of xyxy"):
        plausible([[0, 0, 1, 1]], (20, 20), declared="ltrb")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="for each of 1 boxes"):
        plausible([[0, 0, 1, 1]], [[20, 20], [20, 20]])
