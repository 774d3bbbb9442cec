"""A detector before its first step."""

import json

import pytest
import torch

from rectangles import TINY, rectangles, small_detection, to_learn
from snellen._errors import UsageError
from snellen.training.backbone import read_backbone
from snellen.training.detection_data import framed
from snellen.training.detection_lesson import cell_of, prepare, usual_size
from snellen.training.detection_settings import DetectionSettings


def test_it_is_a_function_of_its_arguments() -> None:
    data = to_learn(16)
    one, other, more = (small_detection("single", data, batch=4, seed=seed) for seed in (0, 0, 1))
    assert all(torch.equal(a, b) for a, b in zip(one.module.parameters(), other.module.parameters(), strict=True))
    assert not torch.equal(one.module.head.weight, more.module.head.weight)
    assert float(one.losses(5).detach()) == float(other.losses(5).detach())
    assert json.loads(json.dumps(one.command)) == other.command
    assert (one.batch, one.epoch, one.schedule.steps) == (4, 4, 8)


def test_cells_and_usual_boxes_come_from_the_objects() -> None:
    width, height = usual_size(framed(rectangles(40), None))
    assert 7 <= width <= 12
    assert 7 <= height <= 12
    assert [cell_of((side, side)) for side in (3.0, 15.0, 16.0, 40.0, 500.0)] == [4, 4, 8, 16, 32]
    assert small_detection("many").built["usual"] == pytest.approx([9, 9], abs=2)
    assert "usual" not in small_detection().built


def test_a_grey_trunk_is_given_grey_and_its_own_normalisation() -> None:
    lesson = prepare(to_learn(), DetectionSettings("single", batch=8), read_backbone("builtin"))
    backbone = read_backbone("builtin")
    assert (lesson.channels, lesson.mean, lesson.std) == ("L", backbone.mean, backbone.std)
    assert lesson.normalised(torch.rand(2, 3, 32, 32)).shape == (2, 1, 32, 32)
    assert lesson.command["start"] == backbone.fingerprint


def test_without_weights_the_mean_is_that_of_the_scenes() -> None:
    lesson = small_detection()
    mean = lesson.data.train.pixels.float().mean(dim=(0, 2, 3)) / 255
    assert lesson.mean == pytest.approx(mean.tolist(), abs=1e-4)


def test_several_objects_in_mode_single_are_refused_with_how_many() -> None:
    data = to_learn(most=3)
    several = int(((data.train.classes >= 0).sum(1) > 1).sum() + ((data.val.classes >= 0).sum(1) > 1).sum())
    with pytest.raises(UsageError, match=rf"{several} of 80 scenes hold more, up to 3; give --mode many"):
        small_detection("single", data)


def test_batches_of_one_are_refused() -> None:
    with pytest.raises(UsageError, match="cannot learn from one; give --batch-size 32"):
        prepare(to_learn(8), DetectionSettings("many", batch=1), TINY)
