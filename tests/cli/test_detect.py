"""``snellen detect``: boxes on a page, as pictures and as JSON, in pixels of the images as they lie in their files."""

import contextlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rectangles import rectangles, yolo_folder
from workbench import refused, snellen

CODE = '''
"""Detectors for the tests."""
import torch
from torch import nn
from rectangles import NAMES, Seer
from snellen.instruments.detection.detector import Detector


def seer():
    return Detector(Seer(), class_names=NAMES, side=(32, 32))


class Twice(nn.Module):
    """Says two boxes that overlap of every image, as torchvision's detectors do."""

    def forward(self, images):
        boxes = torch.tensor([[1.0, 2.0, 11.0, 12.0], [1.0, 2.0, 11.0, 11.0]])
        return [{"boxes": boxes, "scores": torch.tensor([0.9, 0.8]), "labels": torch.tensor([1, 1])} for _ in images]
'''


@pytest.fixture(autouse=True)
def pictures(bench: Path) -> Path:
    """``mixed/``: pictures of several sizes, and one that is none."""
    (bench / "finders.py").write_text(CODE)
    (bench / "mixed").mkdir()
    for name, size in (("a", (32, 32)), ("b", (64, 96)), ("c", (50, 40))):
        picture = rectangles(1, empty=0, size=size, seed=5).images.source.decode(0)
        picture.save(bench / "mixed" / f"{name}.png")  # type: ignore[union-attr]
    (bench / "mixed" / "d.png").write_bytes(b"no picture")
    return bench / "mixed"


@pytest.mark.usefixtures("bench")
def test_boxes_are_told_written_and_drawn() -> None:
    done = snellen("detect", "finders.py:seer", "mixed", "--out", "out", "--json", "found.json")
    assert done.exit_code == 0, done.stderr
    assert "could not read d.png" in done.stderr
    assert done.stdout.count("\n") == 5
    truth = [rectangles(1, empty=0, size=s, seed=5).objects[0] for s in ((32, 32), (64, 96), (50, 40))]
    plain = json.loads(Path("found.json").read_text())
    assert [row["image"] for row in plain["detections"]] == ["a.png", "b.png", "c.png"]
    assert plain["unreadable"][0]["image"] == "d.png"
    coco = json.loads(Path("out/detections.json").read_text())
    assert [row["image_id"] for row in coco] == [0, 1, 2]
    for row, one, wanted in zip(plain["detections"], coco, truth, strict=True):
        (said,) = row["detections"]
        assert np.abs(np.array(said["box"]) - wanted.boxes[0].numpy()).max() <= 3
        left, top, right, bottom = said["box"]
        assert one["bbox"] == pytest.approx([left, top, right - left, bottom - top], abs=1e-3)
        assert one["category_id"] == said["class"] == int(wanted.classes)
    pages = sorted(Path("out/pictures").rglob("*.png"))
    assert len(pages) == 3
    drawn = np.asarray(Image.open(pages[0]))
    assert drawn.shape == (480, 480, 3)
    assert (drawn == (62, 193, 255)).all(axis=2).sum() > 100  # the colour of a box that was found
    assert [row["file_name"] for row in coco] == ["a.png", "b.png", "c.png"]
    again = snellen("detect", "finders.py:seer", "mixed", "--out", "out")
    assert again.exit_code == 0, again.stderr


def coco_file(bench: Path, *, names: tuple[str, ...] = ("red", "green")) -> Path:
    """The pictures in ``mixed`` and what stands in them; ids have gaps, those of the classes are in no order."""
    pictures, annotations = [], []
    for number, (file, size) in enumerate((("c", (50, 40)), ("a", (32, 32)), ("b", (64, 96)))):
        pictures.append({"id": 7 * number + 3, "file_name": f"{file}.png", "width": size[1], "height": size[0]})
        truth = rectangles(1, empty=0, size=size, seed=5).objects[0]
        left, top, right, bottom = truth.boxes[0].tolist()
        one = {"bbox": [left, top, right - left, bottom - top], "area": (right - left) * (bottom - top), "iscrowd": 0}
        kind = 30 - 10 * int(truth.classes)
        annotations.append({"id": number + 1, "image_id": 7 * number + 3, "category_id": kind, **one})
    kinds = {30: names[0], 20: names[1], 4: "cat"}
    categories = [{"id": number, "name": name} for number, name in kinds.items()]
    data = {"images": pictures, "annotations": annotations, "categories": categories, "info": {}}
    (bench / "truth.json").write_text(json.dumps(data))
    return bench / "truth.json"


@pytest.mark.usefixtures("undrawn")
def test_results_on_a_coco_file_are_those_that_pycocotools_reads(bench: Path) -> None:
    """And its average precision is the one of the examination."""
    judge = pytest.importorskip("pycocotools.cocoeval", reason="pycocotools is not installed")
    from pycocotools.coco import COCO

    path = coco_file(bench)
    done = snellen("detect", "finders.py:seer", path, "--images", "mixed", "--out", "out", "--json", "found.json")
    assert done.exit_code == 0, done.stderr
    rows = json.loads(Path("out/detections.json").read_text())
    assert [(row["image_id"], row["file_name"]) for row in rows] == [(3, "c.png"), (10, "a.png"), (17, "b.png")]
    told = json.loads(Path("found.json").read_text())["detections"]
    assert [row["image_id"] for row in told] == [3, 10, 17]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(path))
        judged = judge.COCOeval(truth, truth.loadRes("out/detections.json"), "bbox")
        judged.evaluate()
        judged.accumulate()
        judged.summarize()
    assert judged.stats[1] == pytest.approx(1.0), "AP50"
    examined = snellen("detect", "finders.py:seer", path, "--images", "mixed", "--examine", "--json", "-")
    measured = json.loads(examined.stdout)["measured"]
    assert [measured[name] for name in ("ap", "ap50", "ap75")] == pytest.approx(judged.stats[:3].tolist(), abs=1e-6)


@pytest.mark.usefixtures("undrawn")
def test_scenes_made_here_are_looked_at_by_name() -> None:
    done = snellen("detect", "finders.py:Twice", "digit-scenes", "--limit", "2", "--json", "-")
    assert done.exit_code == 0, done.stderr
    assert [row["image"] for row in json.loads(done.stdout)["detections"]] == ["scene 0", "scene 1"]
    refused(snellen("detect", "finders.py:Twice", "digit-scenes:all"), 2, ":train, :val or :test")


@pytest.mark.usefixtures("undrawn")
def test_a_given_detector_is_examined(bench: Path) -> None:
    """On the test part, if the data have one; bounds decide the exit code."""
    for part, count in (("train", 3), ("test", 6)):
        yolo_folder(rectangles(count, empty=0), bench / "data" / part)
    examine = ("detect", "finders.py:seer", "data", "--examine", "--require")
    done = snellen(*examine, "ap50 >= 90%", "--out", "page", "--json", "found.json")
    assert done.exit_code == 0, done.stderr
    found = json.loads(Path("found.json").read_text())
    assert found["measured"]["ap50"] == pytest.approx(1.0)
    assert (found["subject"]["images"], found["subject"]["count"]) == ("test", 6)
    checks = {finding["check"] for finding in found["findings"]}
    assert {f"detection/{name}" for name in ("average_precision", "box_mistakes", "worst_scenes")} <= checks
    assert "AP50 is 1.000" in done.stdout
    assert Path("page/index.html").is_file()
    refused(snellen(*examine, "false_alarms <= 0", "--quiet"), 1, "required false_alarms <= 0, got nothing")


def test_what_cannot_be_examined_is_refused(bench: Path) -> None:
    path = coco_file(bench, names=("ant", "bee"))
    words = ("detect", "finders.py:seer", path, "--images", "mixed")
    for examine in ((), ("--examine",)):
        refused(snellen(*words, *examine), 3, "(red, green) is one of truth.json (cat, bee, ant)", "by their names")
    refused(snellen("detect", "finders.py:seer", "mixed", "--examine"), 3, "no boxes in a known layout; expected")
    refused(snellen("detect", "finders.py:seer", "digits", "--examine"), 2, "scenes are given as digit-scenes")
    refused(snellen(*words, "--examine", "--score", "0.3"), 2, "--examine finds the best one")
    refused(snellen(*words, "--examine", "--require", "map >= 0.3"), 2, "no measured number", "ap50")
    refused(snellen(*words, "--require", "ap >= 0.3"), 2, "--require is for what --examine measures")
    refused(snellen("detect", "finders.py:seer", "mixed", "--images", "mixed"), 2, "mixed names images itself")


@pytest.mark.usefixtures("undrawn")
def test_a_detector_of_the_users_own_is_taken_at_its_word() -> None:
    def boxes(*words: str) -> list[int]:
        done = snellen("detect", "finders.py:Twice", "mixed", "--json", "-", *words)
        assert done.exit_code == 0, done.stderr
        return [len(row["detections"]) for row in json.loads(done.stdout)["detections"]]

    assert boxes() == [2, 2, 2]
    assert boxes("--nms", "0.5") == [1, 1, 1]
    assert boxes("--nms", "0.95") == [2, 2, 2]
    assert boxes("--nms", "0.5", "--method", "soft") == [1, 1, 1]
    assert boxes("--score", "0.95") == [0, 0, 0]


def test_what_cannot_be_used_is_refused(bench: Path) -> None:
    refused(snellen("detect", "finders.py", "mixed"), 2, "name the factory", "seer")
    refused(snellen("detect", "builtin", "mixed"), 2, "neither")
    refused(snellen("detect", "finders.py:seer", "mixed", "--method", "hard"), 2, "no method of suppression")
    refused(snellen("detect", "finders.py:Twice", "mixed", "--method", "soft"), 2, "give --nms 0.5 too")
    refused(snellen("detect", "nets.py:toy", "mixed"), 3, "an nn.Module or a Detector, got Network")
    refused(snellen("detect", "nets.py:linear", "mixed"), 3)
    (bench / "bad").mkdir()
    (bench / "bad" / "x.png").write_bytes(b"")
    refused(snellen("detect", "finders.py:seer", "bad"), 3, "none of the 1 images could be read")
