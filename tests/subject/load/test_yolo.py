"""YOLO's folders: normalised centres become corners in pixels, lines that are wrong are named."""

from pathlib import Path

import pytest
from PIL import Image

from snellen._errors import ImagesError
from snellen.subject.load.yolo import yolo_scenes

GOOD = "1 0.5 0.5 0.2 0.5\n"


def written(root: Path, lines: dict[str, str], *, names: str | None = "cat\ndog\n", part: str = "") -> Path:
    """Pictures of 100 x 40 named a, b and c, and a label file for each entry of ``lines``."""
    pictures, labels = root / "images" / part, root / "labels" / part
    for folder in (pictures, labels):
        folder.mkdir(parents=True)
    for name in "abc":
        Image.new("L", (100, 40)).save(pictures / f"{name}.png")
    for name, text in lines.items():
        (labels / f"{name}.txt").write_text(text)
    if names is not None:
        (root / "classes.txt").write_text(names)
    return root


def test_centres_as_parts_become_corners_in_pixels(tmp_path: Path) -> None:
    scenes = yolo_scenes(written(tmp_path, {"a": GOOD + "0 0.1 0.25 0.2 0.5\n\n", "b": ""}))
    assert scenes.class_names == ("cat", "dog")
    assert scenes.objects[0].boxes.tolist() == [[40, 10, 60, 30], [0, 0, 20, 20]]
    assert scenes.objects[0].classes.tolist() == [1, 0]
    assert [len(objects) for objects in scenes.objects] == [2, 0, 0]
    assert scenes.notes == (
        "1 of 3 images have no file in labels and count as without objects",
        "2 of 3 images hold no object",
    )


def test_a_part_is_given_by_its_images_and_finds_its_labels_and_names(tmp_path: Path) -> None:
    root = written(tmp_path, {"a": GOOD}, part="train")
    assert yolo_scenes(root / "images" / "train").counts == (0, 1)
    with pytest.raises(ImagesError, match=r"holds the parts train of a data set; give one: .*images/train"):
        yolo_scenes(root)


def test_images_may_lie_elsewhere(tmp_path: Path) -> None:
    root = written(tmp_path, {"a": GOOD})
    (root / "images").rename(tmp_path / "pictures")
    assert yolo_scenes(root, images=tmp_path / "pictures").counts == (0, 1)
    with pytest.raises(ImagesError, match="which has no labels/"):
        yolo_scenes(tmp_path / "pictures")


def test_names_come_from_the_set_the_user_or_the_numbers(tmp_path: Path) -> None:
    root = written(tmp_path, {"a": GOOD}, names=None)
    scenes = yolo_scenes(root)
    assert scenes.class_names == ("0", "1")
    assert any("named by their numbers" in note for note in scenes.notes)
    assert yolo_scenes(root, classes=("x", "y", "z")).counts == (0, 1, 0)
    (root / "data.yaml").write_text("names: [cat, dog]")
    assert yolo_scenes(root, classes=("dog", "cat")).counts == (1, 0)
    with pytest.raises(ImagesError, match="not among the 1 given: 'dog'"):
        yolo_scenes(root, classes=("cat",))


def test_labels_of_no_image_are_counted(tmp_path: Path) -> None:
    scenes = yolo_scenes(written(tmp_path, {"a": GOOD, "z": GOOD}))
    assert "1 text files in labels belong to no image" in scenes.notes


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0 0.5 0.5 0.2", r"a\.txt, line 2: expected five numbers.*got 4"),
        ("0 0.5 0.5 0.2 0.2 0.9", "got 6.*with a score, are not read"),
        ("dog 0.5 0.5 0.2 0.2", "class must be a whole number from 0 on, got 'dog'"),
        ("-1 0.5 0.5 0.2 0.2", "got '-1'"),
        ("0 0.5 nan 0.2 0.2", "line 2: a box must be four finite numbers"),
        ("0 0.5 a 0.2 0.2", "four finite numbers"),
        ("2 0.5 0.5 0.2 0.2", r"name class 2, but .*classes\.txt has 2 names, for 0 to 1"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(ImagesError, match=message):
        yolo_scenes(written(tmp_path, {"a": f"{GOOD}{line}\n"}))


def test_pixels_given_as_parts_are_named(tmp_path: Path) -> None:
    text = "0 50 20 20 10\n1 30 10 10 12\n"
    with pytest.raises(ImagesError, match=r"read as .*\(centre x, centre y, width, height\) in pixels"):
        yolo_scenes(written(tmp_path, {"a": text}))


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    root = written(tmp_path, {})
    for picture in (root / "images").iterdir():
        picture.unlink()
    with pytest.raises(ImagesError, match="got none with an extension"):
        yolo_scenes(root)
