"""The optional libraries, played by stand-ins: what is asked of them and what is made of their answers."""

import enum
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from PIL import Image
from torch import nn

from snellen._errors import NetworkError, UsageError
from snellen.subject.load.classes import imagenet_names
from snellen.subject.load.network import load_network
from snellen.subject.load.optional import optional
from snellen.subject.preprocessing import Preprocessing


def stand_in(monkeypatch: pytest.MonkeyPatch, name: str, **contents: Any) -> None:
    module = ModuleType(name)
    vars(module).update(contents)
    monkeypatch.setitem(sys.modules, name, module)


class Weights(enum.Enum):
    """Shaped like torchvision's weights: members with ``transforms`` and ``meta``, and a default."""

    IMAGENET1K_V1 = 256
    IMAGENET1K_V2 = 232
    DEFAULT = IMAGENET1K_V2

    @property
    def meta(self) -> dict[str, list[str]]:
        return {"categories": ["ant", "bee"]}

    def transforms(self) -> SimpleNamespace:
        return SimpleNamespace(
            crop_size=[224],
            resize_size=[self.value],
            mean=[0.4, 0.4, 0.4],
            std=[0.2, 0.2, 0.2],
            interpolation=SimpleNamespace(value="bilinear"),
        )


@pytest.fixture
def torchvision(monkeypatch: pytest.MonkeyPatch) -> None:
    def get_model(name: str, *, weights: Weights | None) -> nn.Module:
        made = nn.Linear(2, 2)
        made.asked = (name, weights)  # type: ignore[assignment]  # to be read by the tests
        return made

    stand_in(monkeypatch, "torchvision")
    stand_in(
        monkeypatch,
        "torchvision.models",
        list_models=lambda: ["resnet18", "resnet50"],
        get_model=get_model,
        get_model_weights=lambda _name: Weights,
    )


@pytest.mark.usefixtures("torchvision")
@pytest.mark.parametrize(("weights", "resize"), [("imagenet", 232), ("IMAGENET1K_V1", 256)])
def test_torchvisions_weights_bring_their_preprocessing(weights: str, resize: int) -> None:
    network = load_network("torchvision:resnet18", weights=weights)
    assert network.module.asked == ("resnet18", Weights(resize))
    assert network.preprocessing == Preprocessing(size=(224, 224), resize=resize)
    assert (network.mean, network.std) == ((0.4, 0.4, 0.4), (0.2, 0.2, 0.2))
    assert network.class_names == ("ant", "bee")
    assert network.name == "torchvision:resnet18"


@pytest.mark.usefixtures("torchvision")
def test_torchvision_without_weights_and_with_a_file(tmp_path: Any) -> None:
    network = load_network("torchvision:resnet18")
    assert network.module.asked == ("resnet18", None)
    assert "randomly initialised weights" in network.notes
    torch.save({"weight": torch.eye(2), "bias": torch.zeros(2)}, tmp_path / "net.pt")
    network = load_network("torchvision:resnet18", weights=tmp_path / "net.pt")
    assert torch.equal(network.module.weight, torch.eye(2))
    assert "randomly initialised weights" not in network.notes


@pytest.mark.usefixtures("torchvision")
def test_torchvision_names_are_never_guessed() -> None:
    with pytest.raises(UsageError, match="did you mean resnet18"):
        load_network("torchvision:resnet19")
    with pytest.raises(UsageError, match="did you mean IMAGENET1K_V2 or IMAGENET1K_V1"):
        load_network("torchvision:resnet18", weights="IMAGENET1K_V3")
    with pytest.raises(UsageError, match="as torchvision:NAME"):
        load_network("torchvision:")


@pytest.fixture
def timm(monkeypatch: pytest.MonkeyPatch) -> None:
    def create_model(name: str, *, pretrained: bool) -> nn.Module:
        made = nn.Linear(2, 2)
        made.asked = (name, pretrained)  # type: ignore[assignment]  # to be read by the tests
        made.pretrained_cfg = {"tag": "a1_in1k", "num_classes": 1000}  # type: ignore[assignment]  # as timm does
        return made

    config = {
        "input_size": (3, 240, 240),
        "mean": (0.5, 0.5, 0.5),
        "std": (0.25, 0.25, 0.25),
        "crop_pct": 0.95,
        "interpolation": "bicubic",
    }
    stand_in(
        monkeypatch,
        "timm",
        is_model=lambda name: name == "resnet50",
        list_models=lambda: ["resnet50"],
        create_model=create_model,
        data=SimpleNamespace(resolve_data_config=lambda _args, *, model: {**config, "of": model}),
    )


@pytest.mark.usefixtures("timm")
@pytest.mark.parametrize(
    ("spec", "weights", "asked"),
    [
        ("timm:resnet50", "imagenet", ("resnet50", True)),
        ("timm:resnet50", "a1_in1k", ("resnet50.a1_in1k", True)),
        ("timm:resnet50.a1_in1k", "imagenet", ("resnet50.a1_in1k", True)),
        ("timm:resnet50", None, ("resnet50", False)),
    ],
)
def test_timms_names_tags_and_preprocessing(spec: str, weights: str | None, asked: tuple[str, bool]) -> None:
    network = load_network(spec, weights=weights)
    assert network.module.asked == asked
    assert network.preprocessing == Preprocessing(size=(240, 240), resize=252, interpolation="bicubic")
    assert network.mean == (0.5, 0.5, 0.5)
    assert network.class_names == (imagenet_names() if weights else None)
    assert ("randomly initialised weights" in network.notes) == (weights is None)


@pytest.mark.usefixtures("timm")
def test_timm_names_are_never_guessed() -> None:
    with pytest.raises(UsageError, match="did you mean resnet50"):
        load_network("timm:resnet51")


class Classifier(nn.Module):
    """Shaped like a transformers classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.config = SimpleNamespace(id2label={1: "bee", 0: "ant"})

    def forward(self, pixels: torch.Tensor) -> SimpleNamespace:
        return SimpleNamespace(logits=pixels.mean((2, 3)))


def transformers(monkeypatch: pytest.MonkeyPatch, **processor: object) -> list[tuple[str, dict[str, object]]]:
    asked: list[tuple[str, dict[str, object]]] = []

    def from_pretrained(repo: str, **settings: object) -> Classifier:
        asked.append((repo, settings))
        if repo == "nobody/nothing":
            raise OSError("no such repository")
        return Classifier()

    described = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "resample": int(Image.Resampling.BICUBIC)}
    stand_in(
        monkeypatch,
        "transformers",
        AutoModelForImageClassification=SimpleNamespace(from_pretrained=from_pretrained),
        AutoImageProcessor=SimpleNamespace(
            from_pretrained=lambda _repo: SimpleNamespace(to_dict=lambda: {**described, **processor})
        ),
    )
    return asked


@pytest.mark.parametrize(
    ("processor", "expected"),
    [
        ({"size": {"height": 224, "width": 192}}, Preprocessing(size=(224, 192), interpolation="bicubic")),
        (
            {
                "size": {"shortest_edge": 256},
                "crop_size": {"height": 224, "width": 224},
                "do_center_crop": True,
            },
            Preprocessing(size=(224, 224), resize=256, interpolation="bicubic"),
        ),
        (
            {"size": {"shortest_edge": 224}, "crop_pct": 0.875},
            Preprocessing(size=(224, 224), resize=256, interpolation="bicubic"),
        ),
        (
            {"size": {"shortest_edge": 384}, "crop_pct": 1.0},
            Preprocessing(size=(384, 384), interpolation="bicubic"),
        ),
    ],
)
def test_hugging_faces_processors(
    monkeypatch: pytest.MonkeyPatch, processor: dict[str, object], expected: Preprocessing
) -> None:
    asked = transformers(monkeypatch, **processor)
    network = load_network("hf:someone/net")
    assert asked == [("someone/net", {"use_safetensors": True})]
    assert network.preprocessing == expected
    assert network.class_names == ("ant", "bee")
    assert network.logits(torch.ones(2, 3, 4, 4)).tolist() == [[1.0] * 3] * 2


def test_hugging_faces_failures_are_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    transformers(monkeypatch, size={"longest_edge": 7})
    with pytest.raises(NetworkError, match="has no equivalent"):
        load_network("hf:someone/net")
    with pytest.raises(NetworkError, match="no such repository"):
        load_network("hf:nobody/nothing")
    for weights in ("IMAGENET1K_V1", "net.pt"):
        with pytest.raises(UsageError, match="own weights"):
            load_network("hf:someone/net", weights=weights)


@pytest.mark.parametrize(
    ("spec", "package"), [("torchvision:x", "torchvision"), ("timm:x", "timm"), ("hf:x", "transformers")]
)
def test_a_missing_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch, spec: str, package: str) -> None:
    class Absent:
        def find_spec(self, name: str, *_rest: object) -> None:
            if name.partition(".")[0] == package:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(sys, "meta_path", [Absent(), *sys.meta_path])
    for name in [n for n in sys.modules if n.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(NetworkError, match=rf"pip install {package}\. torchvision must be built for this torch"):
        load_network(spec)


def test_a_library_that_does_not_fit_this_torch_is_explained(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    (tmp_path / "misfit_library.py").write_text("raise RuntimeError('operator nms does not exist')")
    (tmp_path / "needy_library.py").write_text("import absent_package_x")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(NetworkError, match=r"installed but cannot be imported \(RuntimeError: operator nms"):
        optional("misfit_library", spec="here")
    with pytest.raises(NetworkError, match="which needs absent_package_x"):
        optional("needy_library", spec="here")
