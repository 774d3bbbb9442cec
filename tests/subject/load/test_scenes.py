"""One word for any scenes: what it names, and what it says where it names nothing."""

import json
from pathlib import Path

import pytest
import torch
from PIL import Image

from snellen._errors import ImagesError, UsageError
from snellen.subject.load.digit_scenes import digit_scenes
from snellen.subject.load.scenes import load_scenes


def coco(root: Path, name: str = "truth.json") -> Path:
    Image.new("RGB", (50, 40)).save(root / "a.png")
    data = {
        "images": [{"id": 1, "file_name": "a.png"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}],
        "categories": [{"id": 1, "name": "ball"}],
    }
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_text(json.dumps(data))
    return root / name


def test_digit_scenes_by_name_are_those_of_the_function() -> None:
    named, made = load_scenes("digit-scenes:val", limit=3), digit_scenes("val", count=3)
    assert torch.equal(named.images.pixels(), made.images.pixels())
    assert named.name == made.name
    assert load_scenes("digit-scenes", limit=2).name == digit_scenes("test", count=2).name
    assert "up to 6 objects" in load_scenes("digit-scenes-many:train", limit=2).name
    assert load_scenes("digit-scenes", limit=2, classes=("nine", "zero")).class_names == ("nine", "zero")


@pytest.mark.parametrize("place", ["truth.json", "."])
def test_a_json_and_its_folder_are_coco(tmp_path: Path, place: str) -> None:
    coco(tmp_path)
    scenes = load_scenes(tmp_path / place)
    assert (scenes.class_names, scenes.objects[0].boxes.tolist()) == (("ball",), [[1, 2, 4, 6]])
    names = tmp_path / "names.txt"
    names.write_text("bat\nball\n")
    assert load_scenes(tmp_path / place, classes=names).counts == (0, 1)


def test_folders_are_told_by_what_they_hold(tmp_path: Path) -> None:
    yolo, voc = tmp_path / "yolo", tmp_path / "voc"
    for folder in (yolo / "images", yolo / "labels", voc / "JPEGImages", voc / "Annotations"):
        folder.mkdir(parents=True)
    Image.new("RGB", (50, 40)).save(yolo / "images" / "a.jpg")
    Image.new("RGB", (50, 40)).save(voc / "JPEGImages" / "a.jpg")
    (yolo / "labels" / "a.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    corners = "<xmin>21</xmin><ymin>17</ymin><xmax>30</xmax><ymax>24</ymax>"
    (voc / "Annotations" / "a.xml").write_text(
        f"<annotation><object><name>0</name><bndbox>{corners}</bndbox></object></annotation>"
    )
    for folder in (yolo, voc):
        assert load_scenes(folder).objects[0].boxes[0].tolist() == pytest.approx([20, 16, 30, 24])
    assert load_scenes(yolo / "images", format="yolo").counts == (1,)


def test_three_formats_tell_one_truth(tmp_path: Path) -> None:
    """Digit scenes written out from the formats' definitions come back as they were."""
    scenes = digit_scenes("val", count=5, most=3)
    (tmp_path / "labels").mkdir()
    (tmp_path / "Annotations").mkdir()
    pictures, annotations = [], []
    for row, objects in enumerate(scenes.objects):
        for folder in ("images", "JPEGImages"):
            (tmp_path / folder).mkdir(exist_ok=True)
            scenes.images.source.decode(row).save(tmp_path / folder / f"{row}.png")
        pictures.append({"id": row, "file_name": f"{row}.png", "width": 80, "height": 80})
        lines, things = [], []
        for (left, top, right, bottom), label in zip(objects.boxes.tolist(), objects.classes.tolist(), strict=True):
            box = [left, top, right - left, bottom - top]
            annotations.append({"id": len(annotations), "image_id": row, "category_id": label * 10, "bbox": box})
            lines.append(f"{label} {(left + right) / 160} {(top + bottom) / 160} {box[2] / 80} {box[3] / 80}")
            edges = f"<xmin>{left + 1}</xmin><ymin>{top + 1}</ymin><xmax>{right}</xmax><ymax>{bottom}</ymax>"
            things.append(f"<object><name>{scenes.class_names[label]}</name><bndbox>{edges}</bndbox></object>")
        (tmp_path / "labels" / f"{row}.txt").write_text("\n".join(lines))
        (tmp_path / "Annotations" / f"{row}.xml").write_text(f"<annotation>{''.join(things)}</annotation>")
    kinds = [{"id": 10 * label, "name": name} for label, name in enumerate(scenes.class_names)]
    truth = {"images": pictures, "annotations": annotations, "categories": kinds}
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    for kind in ("coco", "yolo", "voc"):
        back = load_scenes(tmp_path, format=kind, classes=scenes.class_names)  # type: ignore[arg-type]
        assert torch.equal(back.images.pixels(), scenes.images.pixels())
        for found, wanted in zip(back.objects, scenes.objects, strict=True):
            assert torch.allclose(found.boxes, wanted.boxes, atol=1e-4)
            assert torch.equal(found.classes, wanted.classes)


def test_a_limit_is_drawn_by_the_seed_and_noted() -> None:
    scenes = digit_scenes("test", count=12)
    first, again, other = (load_scenes(scenes, limit=5, seed=seed) for seed in (0, 0, 1))
    names = [[part.images.source.name(i) for i in range(5)] for part in (first, again, other)]
    assert names[0] == names[1] != names[2]
    assert first.notes[-1] == "5 of 12 images, drawn at random (seed 0)"
    for index, name in enumerate(names[2]):
        assert other.objects[index] is scenes.objects[int(name.removeprefix("scene "))]
    assert load_scenes(scenes) is scenes


def test_what_is_no_specification_is_told_the_forms(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nothing is at .*digit-scenes or digit-scenes-many .*COCO .*YOLO .*VOC"):
        load_scenes(tmp_path / "gone")
    with pytest.raises(UsageError, match=r"nothing is at digits-scenes"):
        load_scenes("digits-scenes")
    with pytest.raises(UsageError, match=":train, :val or :test, got 'digit-scenes:all'"):
        load_scenes("digit-scenes:all")
    with pytest.raises(UsageError, match="need no images"):
        load_scenes("digit-scenes#photos")
    with pytest.raises(UsageError, match="composed#CUTOUTS,PHOTOS"):
        load_scenes("composed")
    with pytest.raises(ImagesError, match=r"the classes of digit-scenes are zero, .*; got ten"):
        load_scenes("digit-scenes", classes=("ten",))
    with pytest.raises(UsageError, match="limit must be at least 1"):
        load_scenes("digit-scenes", limit=0)


def test_what_a_path_holds_is_said_where_it_is_no_layout(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(ImagesError, match=r"holds notes\.txt, and no boxes in a known layout"):
        load_scenes(tmp_path)
    with pytest.raises(UsageError, match=r"no scenes are read from notes\.txt"):
        load_scenes(tmp_path / "notes.txt")
    (tmp_path / "data.yaml").write_text("names: [a]")
    with pytest.raises(UsageError, match="give the folder of one"):
        load_scenes(tmp_path / "data.yaml")
    path = coco(tmp_path)
    with pytest.raises(UsageError, match="format must be one of coco, yolo, voc, got 'csv'"):
        load_scenes(path, format="csv")  # type: ignore[arg-type]
    with pytest.raises(ImagesError, match="expected a folder of images"):
        load_scenes(path, images=tmp_path / "gone")
    coco(tmp_path, "other.json")
    with pytest.raises(UsageError, match=r"expected one annotations file .*other\.json, truth\.json"):
        load_scenes(tmp_path)
