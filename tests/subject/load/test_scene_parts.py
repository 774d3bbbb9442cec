"""Which parts a set of scenes comes in."""

from pathlib import Path

import pytest

from snellen.subject.load.scene_parts import scene_parts


def test_scenes_made_here_come_in_three_parts() -> None:
    assert scene_parts("composed-many#c.parquet,photos") == {
        "train": "composed-many:train#c.parquet,photos",
        "val": "composed-many:val#c.parquet,photos",
        "test": "composed-many:test#c.parquet,photos",
    }
    assert scene_parts("digit-scenes:train") == {"train": "digit-scenes:train"}


def test_a_file_is_one_part(tmp_path: Path) -> None:
    (tmp_path / "train.json").write_text("{}")
    assert scene_parts(str(tmp_path / "train.json")) == {"train": str(tmp_path / "train.json")}


@pytest.mark.parametrize(
    ("train", "val"),
    [
        ("images/train/", "images/valid/"),
        ("train/labels/", "valid/labels/"),
        ("ImageSets/Main/train.txt", "ImageSets/Main/val.txt"),
        ("annotations/instances_train2017.json", "annotations/instances_val2017.json"),
        ("train.json", "valid_v2.json"),
    ],
)
def test_folders_come_in_the_parts_that_they_hold(tmp_path: Path, train: str, val: str) -> None:
    for place in (train, val):
        path = tmp_path / place
        (path if place.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not place.endswith("/"):
            path.write_text("")
        if place == train:
            assert scene_parts(str(tmp_path)) == {"train": str(tmp_path)}
    wanted = {"train": tmp_path / train.removesuffix("labels/"), "val": tmp_path / val.removesuffix("labels/")}
    assert scene_parts(str(tmp_path)) == {part: str(place) for part, place in wanted.items()}
