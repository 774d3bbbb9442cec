"""The JSON beside the weights: each form that is understood, and each mistake that is named."""

import json
from pathlib import Path

import pytest

from shared import SHARED, needs_shared
from snellen._errors import NetworkError
from snellen.subject.load.classes import imagenet_names
from snellen.subject.load.sidecar import Sidecar, find_sidecar, read_sidecar
from snellen.subject.preprocessing import Preprocessing


def said(folder: Path, content: object, base: Preprocessing | None = None) -> Sidecar:
    (folder / "about.json").write_text(json.dumps(content))
    return read_sidecar(folder / "about.json", base=base)


@needs_shared
def test_squeezenets_sidecar() -> None:
    about = read_sidecar(SHARED / "models/squeezenet1_1/about.json")
    assert about.preprocessing == Preprocessing(size=(224, 224), resize=256, interpolation="bilinear")
    assert about.mean == (0.485, 0.456, 0.406)
    assert about.std == (0.229, 0.224, 0.225)
    assert about.class_names == imagenet_names()
    assert (about.weights, about.module) == ("squeezenet1_1_webnn.safetensors", "squeezenet1_1.py")


def test_plain_keys(tmp_path: Path) -> None:
    about = said(
        tmp_path,
        {
            "input_size": [1, 24, 28],
            "resize": 32,
            "interpolation": "BICUBIC",
            "mean": 0.1,
            "std": [0.3],
            "classes": ["a", "b"],
        },
    )
    assert about.preprocessing == Preprocessing(size=(24, 28), resize=32, interpolation="bicubic", channels="L")
    assert (about.mean, about.std, about.class_names) == ((0.1,), (0.3,), ("a", "b"))


def test_timms_configuration(tmp_path: Path) -> None:
    inner = {
        "mean": [0.5] * 3,
        "std": [0.5] * 3,
        "input_size": [3, 224, 224],
        "crop_pct": 0.875,
        "interpolation": "bicubic",
    }
    about = said(tmp_path, {"architecture": "resnet50", "num_classes": 1000, "pretrained_cfg": inner})
    assert about.preprocessing == Preprocessing(size=(224, 224), resize=256, interpolation="bicubic")
    assert about.mean == (0.5, 0.5, 0.5)


@pytest.mark.parametrize(
    ("text", "resize", "filter_name"),
    [
        ("short side to 256 (PIL bilinear), centre crop", 256, "bilinear"),
        ("Shorter side to 236 (bicubic), center crop", 236, "bicubic"),
        ("short side to 240, centre crop", 240, "bilinear"),
    ],
)
def test_the_sentence_about_the_crop(tmp_path: Path, text: str, resize: int, filter_name: str) -> None:
    about = said(tmp_path, {"input_size": 224, "resize_crop": text})
    assert about.preprocessing == Preprocessing(size=(224, 224), resize=resize, interpolation=filter_name)


def test_a_sentence_that_is_not_understood_is_noted(tmp_path: Path) -> None:
    about = said(tmp_path, {"input_size": 224, "resize_crop": "as usual"})
    assert about.preprocessing == Preprocessing(size=(224, 224))
    assert any("'as usual' is not understood" in note for note in about.notes)


def test_means_in_units_of_255_are_converted_when_it_says_so(tmp_path: Path) -> None:
    caffe = {"mean": [51, 102, 153], "std": [255, 255, 255], "channel_order": "BGR"}
    about = said(tmp_path, {**caffe, "range": "0..255"})
    assert about.mean == pytest.approx((0.2, 0.4, 0.6))
    assert about.std == pytest.approx((1.0, 1.0, 1.0))
    assert about.preprocessing is not None
    assert about.preprocessing.channels == "BGR"
    with pytest.raises(NetworkError, match=r"divide mean and std by 255"):
        said(tmp_path, caffe)


def test_what_it_does_not_say_comes_from_the_base(tmp_path: Path) -> None:
    base = Preprocessing(size=(224, 224), resize=256, interpolation="bicubic")
    about = said(tmp_path, {"channel_order": "BGR"}, base)
    assert about.preprocessing == Preprocessing(size=(224, 224), resize=256, interpolation="bicubic", channels="BGR")
    # another size has another protocol: the base's resize belongs to the base's size
    assert said(tmp_path, {"input_size": 64}, base).preprocessing == Preprocessing(
        size=(64, 64), interpolation="bicubic"
    )


def test_a_file_about_something_else_says_nothing(tmp_path: Path) -> None:
    about = said(tmp_path, {"lr": 0.1, "classes": 10, "weights": {"loss": 1}, "channels": 3})
    assert (about.mean, about.std, about.preprocessing, about.class_names, about.weights) == (
        None,
        None,
        None,
        None,
        "",
    )
    assert "says nothing" in about.notes[0]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"mean": "grey"}, "mean: .*got 'grey'"),
        ({"mean": [0.1] * 4}, "mean: .*at most 3"),
        ({"std": [0.1, 0.0, 0.1]}, "std must be positive"),
        ({"input_size": [3, 0, 224]}, "size must be"),
        ({"input_size": 224, "resize": 100}, "resize must be at least"),
        ({"input_size": 224, "interpolation": "cubic-ish"}, "interpolation must be one of"),
        ({"channel_order": "RGBA"}, "channel_order must be RGB, BGR or L, got 'RGBA'"),
        ({"crop_pct": 87.5}, "crop_pct: .*got 87.5"),
        ({"mean": 0.4, "preprocess": {"mean": 0.5}}, "two values of mean"),
        ({"mean": 0.4, "range": "-1..1"}, "range must begin"),
        ([1], "should be a JSON object"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, content: object, expected: str) -> None:
    with pytest.raises(NetworkError, match=expected) as caught:
        said(tmp_path, content)
    assert "about.json" in str(caught.value)


def test_what_is_no_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "about.json").write_text("{mean: 1}")
    with pytest.raises(NetworkError, match="cannot read the sidecar"):
        read_sidecar(tmp_path / "about.json")


def test_the_nearest_file_counts(tmp_path: Path) -> None:
    weights = tmp_path / "net.v2.pt"
    assert find_sidecar(weights) is None
    for name in ("config.json", "about.json", "net.v2.json", "chosen.json"):
        (tmp_path / name).write_text("{}")
        chosen = tmp_path / name if name == "chosen.json" else None
        assert find_sidecar(weights, chosen=chosen) == tmp_path / name
    with pytest.raises(NetworkError, match=r"no sidecar at .*absent\.json"):
        find_sidecar(weights, chosen=tmp_path / "absent.json")
