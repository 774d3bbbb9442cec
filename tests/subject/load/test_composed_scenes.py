"""Scenes composed of cut-outs: the boxes, against what the pictures show."""

import pickle
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from snellen._errors import UsageError
from snellen.subject.load.backgrounds import Backgrounds
from snellen.subject.load.composed_scenes import ComposedSource, Composition, composed_scenes
from snellen.subject.load.cut_outs import CutOuts


@dataclass(frozen=True)
class Black(Backgrounds):
    def draw(self, _rng: np.random.Generator, side: int) -> NDArray[np.float32]:
        return np.zeros((3, side, side), np.float32)


def shapes() -> CutOuts:
    """A red disc, a green cross and a blue ring, with soft edges, each a class."""
    axis = np.linspace(-1, 1, 48)
    radius = np.hypot(axis[:, None], axis[None, :])
    near = np.minimum(np.abs(axis)[:, None], np.abs(axis)[None, :])
    depths = np.stack([0.8 - radius, np.minimum(0.25 - near, 0.8 - radius), 0.2 - np.abs(radius - 0.6)])
    alpha = (np.clip(depths * 12 + 0.5, 0, 1) * 255).astype(np.uint8)
    colour = np.zeros((3, 48, 48, 3), np.uint8)
    for channel in range(3):
        colour[channel, :, :, channel] = 255
    return CutOuts(alpha, np.arange(3), ("disc", "cross", "ring"), colour)


def source(count: int = 30, **how: object) -> ComposedSource:
    return ComposedSource(shapes(), Black(), Composition(**{"side": 64, **how}), (0, 1), count)  # type: ignore[arg-type]


def channel_box(picture: NDArray[np.uint8], channel: int) -> list[float]:
    """The box around what is at least half as bright as the brightest pixel, from the picture alone."""
    plane = picture[:, :, channel].astype(float)
    rows, columns = np.nonzero(plane >= 0.5 * plane.max() - 1)
    return [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


@pytest.mark.parametrize("outside", [0.0, 0.4])
def test_the_box_of_one_object_is_what_the_picture_shows(outside: float) -> None:
    scenes = composed_scenes(source(empty=0, outside=outside, turn=45), name="shapes")
    cut = 0
    for index, objects in enumerate(scenes.objects):
        picture = np.asarray(scenes.images.source.decode(index))
        (box,), (label,) = objects.boxes.tolist(), objects.classes.tolist()
        # brightness is drawn from 0.7 to 1.2, so that half of the brightest may lie one soft pixel off
        assert np.abs(np.subtract(box, channel_box(picture, label))).max() <= 1
        assert min(box) >= 0
        assert max(box) <= 64
        cut += min(box) == 0 or max(box) == 64
    assert cut > 5 if outside else cut < 8


def test_boxes_are_recomputed_from_the_alphas_of_all_objects() -> None:
    made = source(20, most=5, empty=0, overlap=0.6, sizes=(0.3, 0.6))
    covered = 0
    for index in range(len(made)):
        placed = made.placed(index)
        for order, one in enumerate(placed):
            left = np.zeros((64, 64))
            height, width = one.alpha.shape
            left[one.top : one.top + height, one.left : one.left + width] = one.alpha
            for other in placed[order + 1 :]:
                height, width = other.alpha.shape
                left[other.top : other.top + height, other.left : other.left + width] *= 1 - other.alpha
            rows, columns = np.nonzero(left >= 128 / 255)
            assert one.box == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
            covered += one.visible.sum() < 0.9 * one.alpha.sum()
        assert made.objects(index).boxes.tolist() == [list(one.box or ()) for one in placed]
    assert covered > 5


def test_what_is_hidden_whole_is_no_object() -> None:
    """Squares of one size in a picture of that size: only the last is seen."""
    whole = CutOuts(np.full((1, 16, 16), 255, np.uint8), np.array([0]), ("square",))
    how = Composition(side=16, most=4, empty=0, sizes=(1, 1), turn=0, overlap=1)
    made = ComposedSource(whole, Black(), how, (0,), 20)
    assert {len(made.objects(index)) for index in range(20)} == {1}
    assert made.objects(0).boxes.tolist() == [[0, 0, 16, 16]]


def test_objects_overlap_no_more_than_they_may() -> None:
    """With no overlap allowed the boxes share nothing, and what does not fit is left out."""
    scenes = composed_scenes(source(30, most=6, overlap=0), name="shapes")
    numbers = [len(objects) for objects in scenes.objects]
    assert set(range(5)) <= set(numbers)
    for objects in scenes.objects:
        for i, a in enumerate(objects.boxes):
            for b in objects.boxes[i + 1 :]:
                assert (torch.minimum(a, b)[2:] <= torch.maximum(a, b)[:2]).any()
    assert np.mean([number == 0 for number in numbers]) == pytest.approx(0.2, abs=0.15)


def test_a_scene_depends_on_the_seed_and_its_index_alone() -> None:
    made = source(3, most=3)
    longer, other = replace(made, count=30), replace(made, seed=(1, 1))
    back = pickle.loads(pickle.dumps(longer))
    for index in (2, 0):
        assert np.array_equal(made.decode(index), longer.decode(index))
        assert np.array_equal(made.decode(index), back.decode(index))
    assert any(not np.array_equal(made.decode(index), other.decode(index)) for index in range(3))
    assert made.name(2) == "scene 2"


def test_rare_classes_are_not_rare_in_scenes() -> None:
    cut = shapes()
    many = cut.at(np.array([0] * 18 + [1, 2]))
    scenes = composed_scenes(replace(source(90, empty=0), cut_outs=many), name="shapes")
    assert min(scenes.counts) > 15


def test_stencils_are_painted_so_that_they_can_be_seen() -> None:
    stencils = replace(shapes(), colour=None)
    made = replace(source(20, empty=0), cut_outs=stencils)
    paints = []
    for index in range(20):
        (one,) = made.placed(index)
        picture = np.asarray(made.decode(index)) / 255
        solid = picture[one.top :, one.left :][: one.alpha.shape[0], : one.alpha.shape[1]][one.alpha == 1]
        assert solid.std(axis=0).max() < 1e-9
        paints.append(solid[0])
    assert (np.array(paints) @ [0.299, 0.587, 0.114] > 0.3).all()
    assert np.ptp(paints, axis=0).min() > 0.3


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"side": 8}, "side must be at least 16"),
        ({"most": 0}, "most must be at least 1"),
        ({"empty": 1.0}, "empty must be from 0 to below 1"),
        ({"sizes": (0.6, 0.5)}, "sizes must be two parts"),
        ({"sizes": (0.01, 0.5)}, "4 pixels or more"),
        ({"overlap": 1.5}, "overlap must be from 0 to 1"),
    ],
)
def test_settings_out_of_range_are_refused(how: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        source(**how)


def test_no_scenes_and_negative_seeds_are_refused() -> None:
    with pytest.raises(UsageError, match="count must be at least 1"):
        replace(source(), count=0)
    with pytest.raises(UsageError, match="seed must be 0 or more"):
        replace(source(), seed=(-1, 0))
