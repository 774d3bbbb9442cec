"""Scenes to train a detector on, at one size, with boxes that still fit."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from rectangles import NAMES, rectangles, yolo_folder
from snellen._errors import ImagesError, UsageError
from snellen.instruments.detection.boxes import convert
from snellen.instruments.losses.detection import NONE
from snellen.subject.load.arrays import array_images
from snellen.subject.load.images import load_images
from snellen.subject.load.scene_parts import scene_parts
from snellen.subject.scenes import Objects, Scenes
from snellen.training import detection_data
from snellen.training.detection_data import framed, load_detection_data


@pytest.mark.parametrize("size", [(32, 32), (64, 32), (20, 48)])
def test_boxes_are_around_what_is_bright_at_any_size(size: tuple[int, int]) -> None:
    found = framed(rectangles(8, size=size), 32)
    assert found.side == (32, 32)
    for pixels, boxes, classes in zip(found.pixels, found.boxes, found.classes, strict=True):
        seen = pixels[:2].amax(dim=0) > 128
        grey = (pixels == 128).all(dim=0)
        bright = (seen & ~grey).nonzero()
        assert len(bright) == 0 if classes[0] == NONE else True
        if classes[0] != NONE:
            corners = convert(boxes[:1] * 32, "cxcywh", to="xyxy")[0]
            low, high = bright.amin(dim=0).flip(0), bright.amax(dim=0).flip(0) + 1
            assert (corners - torch.cat([low, high])).abs().max() <= 1
            assert pixels[int(classes[0])].max() > pixels[1 - int(classes[0])][~grey].max()


def test_several_objects_fill_rows_and_the_rest_says_none() -> None:
    scenes = rectangles(12, most=3, empty=4, size=(32, 60))
    found = framed(scenes, None)
    assert found.boxes.shape == (12, 3, 4)
    assert [(row != NONE).sum().item() for row in found.classes] == [len(o) for o in scenes.objects]


def test_a_part_is_held_back_where_none_is_named(tmp_path: Path) -> None:
    folder = yolo_folder(rectangles(20), tmp_path / "a")
    data = load_detection_data(str(folder), share=0.2, seed=3)
    assert (len(data.train), len(data.val), len(data.held)) == (16, 4, 4)
    assert data.class_names == NAMES
    everything = torch.cat([data.train.pixels, data.val.pixels]).flatten(1)
    assert len(everything.unique(dim=0)) == len(framed(rectangles(20), None).pixels.flatten(1).unique(dim=0))
    assert load_detection_data(str(folder), share=0.2, seed=3).fingerprint == data.fingerprint
    assert load_detection_data(str(folder), share=0.2, seed=4).fingerprint != data.fingerprint


def test_other_scenes_are_renamed_to_what_is_trained_on(tmp_path: Path) -> None:
    train = yolo_folder(rectangles(12), tmp_path / "a")
    swapped = replace(rectangles(10, seed=1, empty=0), class_names=("Green", "red"))
    val = yolo_folder(swapped, tmp_path / "b")
    data = load_detection_data(str(train), val=str(val))
    assert len(data.train) == 12
    assert [int(o.classes[0]) for o in data.held.objects] == [1 - int(o.classes[0]) for o in swapped.objects]
    strange = yolo_folder(replace(swapped, class_names=("blue", "red")), tmp_path / "c")
    with pytest.raises(ImagesError, match=r"1 classes of the val scenes are not trained on: 'blue'"):
        load_detection_data(str(train), val=str(strange))


def test_what_is_ignored_is_not_learned_and_keeps_its_class(tmp_path: Path) -> None:
    """Of a class that is not trained on it is forgotten, and no reason to refuse the scenes."""
    train = yolo_folder(rectangles(12), tmp_path / "a")
    box = {"bbox": [4, 4, 9, 8], "image_id": 1}
    crowds = [{**box, "id": 2, "category_id": 8, "iscrowd": 1}, {**box, "id": 3, "category_id": 5, "iscrowd": 1}]
    kinds = [{"id": 5, "name": "cat"}, {"id": 8, "name": "green"}, {"id": 9, "name": "red"}]
    data = {"images": [{"id": 1, "file_name": "000.png"}], "categories": kinds}
    data["annotations"] = [{**box, "id": 1, "category_id": 9}, *crowds]
    (train / "images" / "truth.json").write_text(json.dumps(data))
    held = load_detection_data(str(train), val=str(train / "images" / "truth.json")).held
    (found,) = held.objects
    assert (found.classes.tolist(), found.ignored.classes.tolist()) == ([NAMES.index("red")], [NAMES.index("green")])
    assert (framed(held, None).classes != NONE).sum() == 1


def test_scenes_made_here_bring_three_parts() -> None:
    assert scene_parts("digit-scenes") == {p: f"digit-scenes:{p}" for p in ("train", "val", "test")}
    assert scene_parts("composed-many#a,b")["test"] == "composed-many:test#a,b"
    assert scene_parts("digit-scenes:val") == {"train": "digit-scenes:val"}
    assert scene_parts("photos.json") == {"train": "photos.json"}


def test_nothing_to_find_is_refused(tmp_path: Path) -> None:
    folder = yolo_folder(rectangles(12, empty=1), tmp_path / "a")
    with pytest.raises(ImagesError, match=r"none of the 12 training scenes .* holds an object.*give scenes with boxes"):
        load_detection_data(str(folder))
    few = yolo_folder(rectangles(4), tmp_path / "b")
    with pytest.raises(ImagesError, match="at least 8 scenes"):
        load_detection_data(str(few))
    with pytest.raises(UsageError, match=r"above 0 and at most 0.5, got 0.7"):
        load_detection_data(str(folder), share=0.7)


def test_several_sizes_need_a_side(tmp_path: Path) -> None:
    folder = yolo_folder(rectangles(10), tmp_path / "a")
    large = rectangles(1, size=(40, 64)).images.source.decode(0)
    large.save(folder / "images" / "000.png")  # type: ignore[union-attr]
    with pytest.raises(UsageError, match=r"several sizes, such as .* say at which to train, such as --side"):
        load_detection_data(str(folder), seed=2)
    assert load_detection_data(str(folder), side=48).train.side == (48, 48)


def test_too_small_too_many_and_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = Scenes(
        array_images(np.zeros((9, 8, 8, 3), np.uint8)), (Objects([[0, 0, 4, 4]], [0]),) * 9, class_names=("a",)
    )
    with pytest.raises(UsageError, match="16 x 16 pixels at least, got 8 x 8"):
        framed(tiny, None)
    monkeypatch.setattr(detection_data, "MOST_BYTES", 1 << 14)
    with pytest.raises(ImagesError, match=r"take more than 0 GB.*--limit 5"):
        framed(rectangles(8), None)
    monkeypatch.undo()
    (tmp_path / "a.png").write_bytes(b"no picture")
    broken = Scenes(load_images(tmp_path), (Objects([[0, 0, 4, 4]], [0]),), class_names=("a",))
    with pytest.raises(ImagesError, match=r"a.png cannot be trained on: not an image.*mend it or take it away"):
        framed(broken, None)
