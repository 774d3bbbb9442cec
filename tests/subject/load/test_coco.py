"""COCO JSON: ids with gaps, crowds, boxes as they should not be, and files that are something else."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from snellen._errors import ImagesError
from snellen.subject.load.coco import coco_scenes
from snellen.subject.load.digit_scenes import digit_scenes

CATEGORIES = [{"id": 18, "name": "dog"}, {"id": 3, "name": "car"}]


def box(image: object, category: object, numbers: object, **other: object) -> dict[str, object]:
    return {"image_id": image, "category_id": category, "bbox": numbers, **other}


def written(root: Path, annotations: list[dict[str, object]], **other: object) -> Path:
    """Three pictures of 100 x 80 with ids 7, 20 and 5, in images/."""
    (root / "images").mkdir(exist_ok=True)
    pictures = []
    for image in (7, 20, 5):
        Image.new("RGB", (100, 80), (image, 0, 0)).save(root / "images" / f"{image}.png")
        pictures.append({"id": image, "file_name": f"{image}.png", "width": 100, "height": 80})
    for number, item in enumerate(annotations):
        item.setdefault("id", number)
    data = {"images": pictures, "annotations": annotations, "categories": CATEGORIES, **other}
    (root / "truth.json").write_text(json.dumps(data))
    return root / "truth.json"


def test_ids_with_gaps_become_classes_in_order_and_widths_become_edges(tmp_path: Path) -> None:
    path = written(tmp_path, [box(5, 3, [10, 20, 30, 40]), box(7, 18, [0, 0, 100, 80]), box(5, 18, [1.5, 2, 3, 4])])
    scenes = coco_scenes(path)
    assert scenes.class_names == ("car", "dog")
    assert [scenes.images.source.name(i) for i in range(3)] == ["7.png", "20.png", "5.png"]
    assert [objects.boxes.tolist() for objects in scenes.objects] == [
        [[0, 0, 100, 80]],
        [],
        [[10, 20, 40, 60], [1.5, 2, 4.5, 6]],
    ]
    assert [objects.classes.tolist() for objects in scenes.objects] == [[1], [], [0, 1]]
    assert scenes.notes == ("1 of 3 images hold no object",)
    assert (scenes.images.pixels()[:, 0, 0, 0] * 255).round().tolist() == [7, 20, 5]


def test_the_ids_of_the_file_are_kept(tmp_path: Path) -> None:
    """Also where an image cannot be opened, and where some images are chosen."""
    path = written(tmp_path, [box(5, 3, [10, 20, 30, 40])])
    (tmp_path / "images" / "20.png").write_bytes(b"no picture")
    scenes = coco_scenes(path)
    assert (scenes.image_ids, scenes.class_ids) == ((7, 5), (3, 18))
    assert scenes.subset([1]).image_ids == (5,)
    assert coco_scenes(path, classes=("dog", "car")).class_ids == ()


def test_a_file_without_annotations_is_that_of_a_test_set(tmp_path: Path) -> None:
    path = written(tmp_path, [])
    data = json.loads(path.read_text())
    del data["annotations"]
    path.write_text(json.dumps(data))
    assert coco_scenes(path).image_ids == (7, 20, 5)


def test_crowds_flat_boxes_and_what_reaches_out_are_counted(tmp_path: Path) -> None:
    good = [box(5, 3, [10, 20, 30, 40]) for _ in range(20)]
    bad = [box(7, 3, [90, 70, 20, 20]), box(7, 3, [5, 5, 0, 9]), box(7, 3, [0, 0, 50, 50], iscrowd=1)]
    scenes = coco_scenes(written(tmp_path, good + bad))
    assert scenes.objects[0].boxes.tolist() == [[90, 70, 100, 80]]
    ignored = scenes.objects[0].ignored
    assert (ignored.boxes.tolist(), ignored.classes.tolist(), ignored.crowd.tolist()) == ([[0, 0, 50, 50]], [0], [True])
    assert scenes.notes == (
        "1 crowds (iscrowd): what is found in them is neither right nor wrong",
        "1 of 23 boxes have no width or no height and were left out",
        "1 of 23 boxes reach out of their image and were clipped",
        "1 of 3 images hold no object",
    )


def test_corners_given_as_widths_are_named(tmp_path: Path) -> None:
    """Boxes of real scenes, written as (left, top, right, bottom)."""
    scenes = digit_scenes("test", count=20, most=3)
    corners = [row for objects in scenes.objects for row in objects.boxes.tolist()]
    annotations = [box((7, 20, 5)[i % 3], 3, numbers) for i, numbers in enumerate(corners)]
    with pytest.raises(
        ImagesError, match=r"impossible as \(left, top, width, height\).*read as \(left, top, right, bott"
    ):
        coco_scenes(written(tmp_path, annotations))


@pytest.mark.parametrize(
    ("annotations", "other", "message"),
    [
        ([box(9, 3, [1, 1, 2, 2])], {}, "1 of 1 annotations have a image_id that none of the 3 images has.*with 9"),
        ([box(5, 4, [1, 1, 2, 2])], {}, "category_id that none of the 2 categories has.*annotation 0 with 4"),
        ([box(5, None, [1, 1, 2, 2])], {}, "category_id .* with None"),
        ([box(5, 3, [1, 1, 2])], {}, "annotation 0: a box must be four finite numbers"),
        ([box(5, 3, [1, 1, float("nan"), 2])], {}, "four finite numbers, got .*nan"),
        ([box(5, 3, None)], {}, "four finite numbers"),
        ([box(5, 3, [1, 1, 2, 2], id=1), box(5, 3, [1, 1, 2, 2], id=1)], {}, "two of the annotations have the id 1"),
        ([], {"categories": [*CATEGORIES, CATEGORIES[0]]}, "two of the categories have the id 18"),
        ([], {"images": [{"id": 1, "file_name": "5.png"}] * 2}, "two of the images have the id 1"),
        ([], {"images": []}, "should hold images, got an empty list"),
        ([], {"images": [{"id": 1}]}, "image 1 has no file_name"),
        ([], {"images": [{"file_name": "5.png"}]}, "every one of the images needs an id"),
        ([], {"categories": None}, "should hold categories as a list of objects"),
        (
            [],
            {"images": [{"id": 1, "file_name": "gone.png"}]},
            r"gone\.png, the first image of truth\.json, is in none of",
        ),
        (
            [],
            {"images": [{"id": 1, "file_name": "5.png"}, {"id": 2, "file_name": "gone.png"}]},
            r"1 of 2 images are not in .*: gone\.png",
        ),
        (
            [],
            {"images": [{"id": 1, "file_name": "5.png", "width": 10, "height": 8}]},
            "5.png is 100 x 80 .* says 10 x 8",
        ),
    ],
)
def test_what_is_refused(
    tmp_path: Path, annotations: list[dict[str, object]], other: Mapping[str, Any], message: str
) -> None:
    with pytest.raises(ImagesError, match=message):
        coco_scenes(written(tmp_path, annotations, **other))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot read .*Expected a COCO JSON file"),
        ("[]", "got list; a list of detections has no images"),
        ('{"shapes": []}', "should hold images as a list of objects, as COCO JSON does, got keys shapes"),
        ('{"images": {}}', "got images as dict"),
    ],
)
def test_other_json_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "truth.json").write_text(text)
    with pytest.raises(ImagesError, match=message):
        coco_scenes(tmp_path / "truth.json")


def test_the_images_are_found_where_coco_puts_them(tmp_path: Path) -> None:
    path = written(tmp_path, [box(5, 3, [10, 20, 30, 40])])
    beside = tmp_path / "annotations" / "instances_val2017.json"
    beside.parent.mkdir()
    beside.write_text(path.read_text())
    assert coco_scenes(beside).counts == (1, 0)
    (tmp_path / "images").rename(tmp_path / "val2017")
    assert coco_scenes(beside).counts == (1, 0)
    (tmp_path / "val2017").rename(tmp_path / "elsewhere")
    assert coco_scenes(beside, images=tmp_path / "elsewhere").counts == (1, 0)
    with pytest.raises(ImagesError, match="is in none of"):
        coco_scenes(beside)
