"""One call, one network: specifications, weights, what overrides what, and what is noted."""

import hashlib
import io
import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from shared import SHARED, needs_shared
from snellen._errors import NetworkError, UsageError
from snellen.subject.load import network as loading
from snellen.subject.load import published
from snellen.subject.load.classes import imagenet_names, imagenet_wnids
from snellen.subject.load.network import load_network
from snellen.subject.load.published import PUBLISHED
from snellen.subject.network import Network
from snellen.subject.preprocessing import Preprocessing
from snellen.subject.quiet import quiet

SQUEEZENET = SHARED / "models/squeezenet1_1"
RESNET = SHARED / "models/resnet20_cifar10/resnet20-12fca82f.th"

RESNET20 = """
import torch.nn.functional as F
from torch import nn

class Block(nn.Module):
    def __init__(self, before, after, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.stride, self.pad = stride, (after - before) // 2

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.stride == 2:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.pad, self.pad))
        return F.relu(y + x)

class ResNet20(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(Block(16, 16, 1), Block(16, 16, 1), Block(16, 16, 1))
        self.layer2 = nn.Sequential(Block(16, 32, 2), Block(32, 32, 1), Block(32, 32, 1))
        self.layer3 = nn.Sequential(Block(32, 64, 2), Block(64, 64, 1), Block(64, 64, 1))
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x))))))
        return self.linear(x.mean((2, 3)))
"""


class Tiny(nn.Module):
    """As small as a network can be that has a VGG's last layer."""

    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        self.classifier = nn.ModuleDict({"6": nn.Linear(3, classes)})

    def forward(self, pixels: Tensor) -> Tensor:
        return self.classifier["6"](pixels.mean((2, 3)))


@pytest.fixture
def tiny_vgg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "VGGS", {"vgg16": Tiny})


def tiny_state(classes: int) -> dict[str, Tensor]:
    return {"classifier.6.weight": torch.ones(classes, 3), "classifier.6.bias": torch.arange(float(classes))}


def squeezenet(**settings: object) -> Network:
    return load_network(
        f"{SQUEEZENET / 'squeezenet1_1.py'}:SqueezeNet11",
        weights=SQUEEZENET / "weights.safetensors",
        **settings,  # type: ignore[arg-type]  # the tests give what load_network takes
    )


@needs_shared
def test_squeezenet_takes_its_input_from_the_json_beside_its_weights() -> None:
    network = squeezenet()
    assert network.preprocessing == Preprocessing(size=(224, 224), resize=256)
    assert network.mean == (0.485, 0.456, 0.406)
    assert network.class_names == imagenet_names()
    assert any(note.endswith("squeezenet1_1/about.json") for note in network.notes)


@needs_shared
def test_squeezenet_recognises_photographs() -> None:
    # 8 of these 10 were measured; without normalisation 4 are right, with blue and red exchanged 3.
    network, right = squeezenet(), 0
    folders = sorted(p for p in (SHARED / "data/imagenet-photos").iterdir() if p.is_dir())[::20]
    with quiet(network.module):
        for folder in folders:
            photo = Image.open(next(folder.glob("*.JPEG"))).convert("RGB")
            pixels = torch.from_numpy(np.array(network.preprocessing.fit(photo))).permute(2, 0, 1)[None] / 255
            right += imagenet_wnids()[int(network.logits(pixels).argmax())] == folder.name
    assert len(folders) == 10
    assert right >= 7


@needs_shared
def test_arguments_override_the_sidecar_and_a_chosen_sidecar_the_folders(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text(json.dumps({"mean": 0.3, "class_names": ["a", "b"]}))
    network = squeezenet(sidecar=tmp_path / "mine.json", std=(0.7,), class_names=["x", "y"])
    assert (network.mean, network.std, network.class_names) == ((0.3,), (0.7,), ("x", "y"))
    chosen = Preprocessing(size=(96, 96), channels="BGR")
    assert squeezenet(preprocessing=chosen).preprocessing == chosen


@needs_shared
def test_resnet20_arrives_whole(tmp_path: Path) -> None:
    (tmp_path / "resnet.py").write_text(RESNET20)
    imagenet = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
    network = load_network(f"{tmp_path / 'resnet.py'}:ResNet20", weights=RESNET, **imagenet)
    assert any("'state_dict'" in note for note in network.notes)
    assert any("'module.'" in note for note in network.notes)
    rows = next(pq.ParquetFile(SHARED / "data/cifar10-jpeg/test.parquet").iter_batches(200)).to_pydict()
    pictures = [np.array(Image.open(io.BytesIO(image["bytes"])).convert("RGB")) for image in rows["image"]]
    pixels = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2) / 255
    with quiet(network.module):
        right = (network.logits(pixels).argmax(1) == torch.tensor(rows["label"])).float().mean()
    assert right > 0.72  # 81.0 % over all 10,000


@needs_shared
def test_weights_of_another_network_are_refused() -> None:
    with pytest.raises(NetworkError, match=r"52 missing: .*; 97 unexpected: "):
        load_network(f"{SQUEEZENET / 'squeezenet1_1.py'}:SqueezeNet11", weights=RESNET)


@pytest.mark.usefixtures("tiny_vgg")
def test_a_vgg_without_weights_is_noted_as_random() -> None:
    network = load_network("vgg16")
    assert network.notes == ("randomly initialised weights",)
    assert network.class_names is None
    assert network.name == "vgg16"
    assert network.preprocessing == Preprocessing(size=(224, 224), resize=256)
    assert (network.mean, network.std) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@pytest.mark.usefixtures("tiny_vgg")
def test_a_vggs_published_weights_bring_imagenets_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "vgg16-397923af.pth"
    torch.save(tiny_state(1000), file)
    monkeypatch.setattr(loading, "published_weights", lambda name: {"vgg16": file}[name])
    assert load_network("vgg16", weights=file).class_names is None, "the name alone promises nothing"
    digits = hashlib.sha256(file.read_bytes()).hexdigest()[:8]
    table = {**PUBLISHED, "vgg16": f"https://example.org/vgg16-{digits}.pth"}
    monkeypatch.setattr(published, "PUBLISHED", table)
    monkeypatch.setattr(loading, "PUBLISHED", table)
    for weights in ("imagenet", file):
        network = load_network("vgg16", weights=weights)
        assert network.class_names == imagenet_names()
        assert any(table["vgg16"] in note for note in network.notes)
        assert "randomly initialised weights" not in network.notes
        assert network.logits(torch.zeros(1, 3, 2, 2)).argmax() == 999


@pytest.mark.usefixtures("tiny_vgg")
def test_a_vggs_own_weights_decide_the_number_of_classes(tmp_path: Path) -> None:
    torch.save(tiny_state(7), tmp_path / "net.pt")
    network = load_network("vgg16", weights=str(tmp_path / "net.pt"))
    assert network.logits(torch.zeros(2, 3, 4, 4))[0].tolist() != [0.0] * 7
    assert network.class_names is None
    assert "7 classes, from the shape of classifier.6.weight" in network.notes


def test_modules_and_networks_are_taken_as_they_are() -> None:
    module = nn.Linear(2, 2).train()
    wrapped = load_network(module)
    assert wrapped.module is module
    assert module.training
    assert wrapped.notes == ("no mean and std are known: the module is fed pixels in [0, 1] as they are",)
    network = Network(module, mean=(0.1,), class_names=("a", "b"))
    assert load_network(network) is network
    changed = load_network(network, std=(2.0,))
    assert (changed.mean, changed.std, changed.class_names) == ((0.1,), (2.0,), ("a", "b"))


def test_the_built_in_network_comes_from_its_own_file(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Network(nn.Linear(2, 2), mean=(0.5,))
    stand_in = ModuleType("snellen.subject.load.builtin")
    stand_in.builtin_network = lambda: made  # type: ignore[attr-defined]  # a stand-in
    monkeypatch.setitem(sys.modules, stand_in.__name__, stand_in)
    assert load_network("builtin") is made


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("vgg17", "did you mean vgg19 or vgg16 or vgg13"),
        ("resnet50", "Known: PACKAGE.MODULE:FACTORY.*torchvision:resnet50 or timm:resnet50"),
        ("net.onnx", "is ONNX, which is not read"),
        ("weights.safetensors", "name the module"),
        ("https://example.org/net", "name the module"),
        ("net.py", "as net.py:FACTORY"),
    ],
)
def test_what_names_no_network_is_never_guessed(spec: str, expected: str) -> None:
    with pytest.raises(UsageError, match=expected):
        load_network(spec)


def test_a_file_of_factories_lists_them(tmp_path: Path) -> None:
    (tmp_path / "resnet.py").write_text(RESNET20)
    with pytest.raises(UsageError, match="it defines Block, ResNet20"):
        load_network(str(tmp_path / "resnet.py"))


def test_what_is_no_specification_is_refused() -> None:
    with pytest.raises(UsageError, match="got int"):
        load_network(3)  # type: ignore[arg-type]  # the mistake under test
    with pytest.raises(UsageError, match="weights='imagenet' exist for vgg11"):
        load_network(nn.Linear(2, 2), weights="imagenet")
    with pytest.raises(NetworkError, match="needs the module 'torchvison'"):
        load_network("torchvison:resnet18")


def test_weights_that_a_sidecar_names_but_nobody_asked_for_are_noted(tmp_path: Path) -> None:
    (tmp_path / "about.json").write_text('{"weights": "net.pt", "mean": 0.5}')
    network = load_network(nn.Linear(2, 2), sidecar=tmp_path / "about.json")
    assert any("net.pt, which were not asked for" in note for note in network.notes)
