"""``snellen detect``: boxes on a page, as pictures and as JSON, in pixels of the images as they lie in their files."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rectangles import rectangles
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
    again = snellen("detect", "finders.py:seer", "mixed", "--out", "out")
    assert again.exit_code == 0, again.stderr


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
