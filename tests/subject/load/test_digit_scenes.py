"""Scenes of digits: no digit in two parts, boxes that hold the ink, the same scenes for the same seed."""

import numpy as np
import pytest
import torch

from snellen._errors import UsageError
from snellen.subject.load.composed_scenes import ComposedSource
from snellen.subject.load.digit_scenes import NAMES, digit_scenes
from snellen.subject.load.digits import digit_pixels
from snellen.subject.scenes import Scenes

ALL = range(10)


def source(scenes: Scenes) -> ComposedSource:
    assert isinstance(scenes.images.source, ComposedSource)
    return scenes.images.source


def shrunk(scenes: Scenes) -> np.ndarray:
    """The stencils as vectors of length 1, 32 x 32."""
    alpha = torch.from_numpy(source(scenes).cut_outs.alpha).float()[:, None]
    flat = torch.nn.functional.avg_pool2d(alpha, 2).flatten(1)
    return (flat / flat.norm(dim=1, keepdim=True)).numpy()


def test_no_digit_is_in_two_parts() -> None:
    """By likeness to scikit-learn's own pictures: train's stencils are those trained on, the others the held-out."""
    parts = {part: digit_scenes(part, count=1, kinds=ALL) for part in ("train", "val", "test")}  # type: ignore[arg-type]
    assert {part: len(source(scenes).cut_outs) for part, scenes in parts.items()} == {
        "train": 1297,
        "val": 252,
        "test": 248,
    }
    held_out, labels = digit_pixels("test")
    flat = (held_out.flatten(1) / held_out.flatten(1).norm(dim=1, keepdim=True)).numpy()
    assert source(parts["train"]).cut_outs.classes.tolist() == digit_pixels("train")[1].tolist()
    nearest = {}
    for part in ("val", "test"):
        like = shrunk(parts[part]) @ flat.T
        rows = like.argmax(axis=1)
        assert like.max(axis=1).min() > 0.9
        assert source(parts[part]).cut_outs.classes.tolist() == labels[rows].tolist()
        nearest[part] = set(rows.tolist())
    assert len(nearest["val"] | nearest["test"]) > 490
    assert len(nearest["val"] & nearest["test"]) <= 5


def test_kinds_are_classes_in_the_order_given() -> None:
    for kinds in ((3, 5, 8), (7, 2), ALL):
        scenes = digit_scenes("test", count=1, kinds=kinds)
        assert scenes.class_names == tuple(NAMES[kind] for kind in kinds)
        held_out, labels = digit_pixels("test")
        flat = (held_out.flatten(1) / held_out.flatten(1).norm(dim=1, keepdim=True)).numpy()
        rows = (shrunk(scenes) @ flat.T).argmax(axis=1)
        assert np.array(tuple(kinds))[source(scenes).cut_outs.classes].tolist() == labels[rows].tolist()


def test_an_object_is_lighter_than_what_surrounds_it() -> None:
    scenes = digit_scenes("test", count=30, empty=0)
    lighter = []
    for index, objects in enumerate(scenes.objects):
        grey = np.asarray(scenes.images.source.decode(index).convert("L")).astype(float)
        left, top, right, bottom = objects.boxes[0].int().tolist()
        (one,) = source(scenes).placed(index)
        ink = np.zeros(grey.shape, bool)
        ink[one.top : one.top + one.alpha.shape[0], one.left : one.left + one.alpha.shape[1]] = one.alpha > 0.9
        around = np.zeros(grey.shape, bool)
        around[top:bottom, left:right] = ~ink[top:bottom, left:right]
        lighter.append(grey[ink].mean() - grey[around].mean())
        assert 15 <= max(right - left, bottom - top) <= 44
    assert min(lighter) > 10


def test_at_most_one_or_up_to_six() -> None:
    one, many = digit_scenes("val", count=40), digit_scenes("val", count=40, most=6, side=96)
    assert {len(objects) for objects in one.objects} == {0, 1}
    assert max(len(objects) for objects in many.objects) >= 5
    assert one.images.pixels(indices=[0]).shape == (1, 3, 80, 80)
    assert many.images.pixels(indices=[0]).shape == (1, 3, 96, 96)


def test_parts_and_seeds_differ_and_repeat() -> None:
    first, again = digit_scenes("test", count=4), digit_scenes("test", count=4)
    assert torch.equal(first.images.pixels(), again.images.pixels())
    for other in (digit_scenes("val", count=4), digit_scenes("test", count=4, seed=1)):
        assert not any(map(torch.equal, first.images.pixels(), other.images.pixels()))


def test_what_is_refused() -> None:
    with pytest.raises(UsageError, match="train, val, test, got 'all'"):
        digit_scenes("all")  # type: ignore[arg-type]
    for kinds in ((), (3, 3), (10,)):
        with pytest.raises(UsageError, match="different digits from 0 to 9"):
            digit_scenes(kinds=kinds)
