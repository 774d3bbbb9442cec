"""One specification, one detector."""

from pathlib import Path

import pytest
import torch

from rectangles import NAMES
from snellen._errors import NetworkError, UsageError
from snellen.instruments.detection.load import load_detector
from snellen.nets.detector import GridDetector
from snellen.nets.saved import Saved, write_saved
from snellen.nets.small_vgg import SmallVGG

CODE = '''
import torch
from torch import nn
from snellen.instruments.detection.detector import Detector


class Mine(nn.Module):
    """Says the same box of every image, as torchvision's detectors do."""

    def forward(self, images):
        box = torch.tensor([[1.0, 2.0, 5.0, 6.0]])
        return [{"boxes": box, "scores": torch.tensor([0.75]), "labels": torch.tensor([1])} for _ in images]


def named():
    return Detector(Mine(), class_names=("ant", "bee"))


def number():
    return 7
'''


def saved(path: Path, **about: object) -> Path:
    settings = {"trunk": "strided", "built": {"widths": [4, 8]}, "classes": 2}
    known = {"mode": "many", "side": [32, 48], "channels": "RGB", "class_names": list(NAMES)}
    made = Saved(
        GridDetector(**settings),  # type: ignore[arg-type]
        kind="grid_detector",
        settings=settings,
        task="detect",
        mean=(0.4, 0.5, 0.6),
        std=(0.25,) * 3,
        about={**known, **about},
    )
    return write_saved(made, path)


def test_a_file_of_ours_says_all_that_its_use_needs(tmp_path: Path) -> None:
    found = load_detector(str(saved(tmp_path / "d.safetensors")))
    assert (found.class_names, found.side, found.channels) == (NAMES, (32, 48), "RGB")
    assert (found.mean, found.std) == ((0.4, 0.5, 0.6), (0.25,) * 3)
    assert len(found.candidates(torch.rand(1, 3, 32, 48), least=0.0)[0]) == 96
    assert load_detector(str(tmp_path / "d.safetensors"), class_names=("a", "b")).class_name(1) == "b"


def test_code_of_the_user(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(CODE)
    for factory, name in (("Mine", "class 1"), ("named", "bee")):
        found = load_detector(f"{tmp_path / 'mine.py'}:{factory}")
        for said in found.detections([torch.rand(3, 9, 12), torch.rand(3, 20, 8)]):
            assert said.boxes.tolist() == [[1, 2, 5, 6]]
            assert found.class_name(int(said.classes)) == name


def test_what_is_no_detector_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(CODE)
    with pytest.raises(NetworkError, match=r"should return an nn.Module or a Detector, got int"):
        load_detector(f"{tmp_path / 'mine.py'}:number")
    with pytest.raises(UsageError, match=r"name the factory.*it defines Mine, named, number"):
        load_detector(str(tmp_path / "mine.py"))
    with pytest.raises(UsageError, match="neither, and nothing lies there"):
        load_detector("yolo")
    with pytest.raises(UsageError, match="2 classes, got 3 names"):
        load_detector(str(saved(tmp_path / "d.safetensors")), class_names=("a", "b", "c"))
    with pytest.raises(NetworkError, match=r"does not say all that its use needs"):
        load_detector(str(saved(tmp_path / "e.safetensors", side=[])))
    classifier = Saved(
        SmallVGG(widths=(4,), side=8), kind="small_vgg", settings={"widths": [4], "side": 8}, task="classify"
    )
    with pytest.raises(UsageError, match=r"trained to classify and finds no boxes.*--backbone c.safetensors"):
        load_detector(str(write_saved(classifier, tmp_path / "c.safetensors")))
