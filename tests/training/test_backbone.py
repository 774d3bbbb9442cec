"""The classifier whose trunk a detector begins with."""

from pathlib import Path

import pytest
import torch
from torch import nn

from snellen._errors import NetworkError, UsageError
from snellen.nets.deshuffler import Deshuffler
from snellen.nets.saved import Saved, write_saved
from snellen.nets.small_vgg import SmallVGG
from snellen.nets.trunk import Trunk
from snellen.subject.load.builtin import builtin_network
from snellen.training.backbone import read_backbone

SETTINGS = {"channels": 3, "widths": [4, 6], "side": 16, "hidden": 4}


def saved(path: Path, module: nn.Module | None = None, kind: str = "small_vgg") -> Path:
    made = SmallVGG(**SETTINGS) if module is None else module  # type: ignore[arg-type]
    return write_saved(
        Saved(made, kind=kind, settings=SETTINGS, task="classify", mean=(0.1, 0.2, 0.3), std=(0.5,) * 3), path
    )


def test_the_trunk_of_a_file_is_that_of_its_classifier(tmp_path: Path) -> None:
    module = SmallVGG(**SETTINGS).eval()  # type: ignore[arg-type]
    backbone = read_backbone(str(saved(tmp_path / "c.safetensors", module)))
    assert (backbone.kind, backbone.mean, backbone.std) == ("small_vgg", (0.1, 0.2, 0.3), (0.5,) * 3)
    trunk = Trunk(backbone.kind, backbone.built(2), cell=2).eval()
    backbone.give(trunk)
    images = torch.rand(2, 3, 16, 16)
    assert torch.equal(trunk(images), module.features[: len(trunk.features)](images))


def test_the_network_that_comes_with_snellen() -> None:
    backbone, network = read_backbone("builtin"), builtin_network()
    trunk = Trunk(backbone.kind, backbone.built(8), cell=8).eval()
    backbone.give(trunk)
    pixels = torch.rand(1, 1, 40, 40)
    assert trunk.channels == 1
    assert torch.equal(trunk(pixels), network.module.features(pixels))  # type: ignore[operator]
    assert backbone.fingerprint != read_backbone("strided").fingerprint is None


def test_names_are_those_of_train_classify_and_a_strided_trunk_has_a_stage_a_halving() -> None:
    assert read_backbone("vgg11_bn").kind == "vgg11_bn"
    assert read_backbone("resnet9_half").settings["widths"] == [32, 64, 128, 256]
    assert read_backbone("strided").built(8) == {"widths": [24, 48, 96]}
    assert len(read_backbone("strided").built(32)["widths"]) == 5


def test_weights_for_a_name(tmp_path: Path) -> None:
    whole = read_backbone("small_vgg").settings
    module = SmallVGG(**whole)
    torch.save(module.state_dict(), tmp_path / "weights.pt")
    backbone = read_backbone("small_vgg", str(tmp_path / "weights.pt"))
    trunk = Trunk("small_vgg", backbone.built(8), cell=8)
    backbone.give(trunk)
    assert torch.equal(trunk.features[0].weight, module.features[0].weight)  # type: ignore[arg-type]
    assert any("does not say how its images were normalised" in note for note in backbone.notes)


def test_what_cannot_be_a_backbone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no backbone named 'resnet'"):
        read_backbone("resnet")
    with pytest.raises(UsageError, match="brings its own weights"):
        read_backbone("builtin", "weights.pt")
    with pytest.raises(UsageError, match="trained with its detector"):
        read_backbone("strided", "weights.pt")
    path = write_saved(
        Saved(Deshuffler(encoder="small"), kind="deshuffler", settings={}, task="deshuffle"), tmp_path / "d.safetensors"
    )
    with pytest.raises(NetworkError, match=r"d.safetensors is a deshuffler, which has no trunk of plain layers"):
        read_backbone(str(path))


def test_weights_that_do_not_fit_or_are_broken_are_refused(tmp_path: Path) -> None:
    backbone = read_backbone(str(saved(tmp_path / "c.safetensors")))
    with pytest.raises(NetworkError, match=r"no weights that fit .* tensors of a trunk of small_vgg, such as features"):
        backbone.give(Trunk("small_vgg", {**SETTINGS, "widths": [4, 8]}))
    module = SmallVGG(**SETTINGS)  # type: ignore[arg-type]
    module.features[0].weight.data[0] = torch.nan  # type: ignore[union-attr, index, operator]
    broken = read_backbone(str(saved(tmp_path / "n.safetensors", module)))
    with pytest.raises(NetworkError, match="NaN"):
        broken.give(Trunk("small_vgg", SETTINGS))
