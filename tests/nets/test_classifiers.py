"""The table of classifiers: what is built can be built again from its file."""

from pathlib import Path

import pytest
import torch

from snellen._errors import ImagesError, UsageError
from snellen.nets.classifiers import NETWORKS, classifier
from snellen.nets.saved import KINDS, Saved, read_saved, write_saved


@pytest.mark.parametrize("name", ["small_vgg", "resnet9", "resnet9_half"])
def test_a_network_comes_back_from_its_file(name: str, tmp_path: Path) -> None:
    module, kind, settings = classifier(name, classes=3, side=(16, 16), dropout=0.25)
    path = write_saved(Saved(module, kind=kind, settings=settings, task="classify"), tmp_path / "n.safetensors")
    images = torch.rand(2, 3, 16, 16)
    assert torch.equal(read_saved(path).module(images), module.eval()(images))
    assert {m.p for m in module.modules() if isinstance(m, torch.nn.Dropout)} == {0.25}


def test_all_names_are_of_kinds_that_files_know() -> None:
    assert {known.kind for known in NETWORKS.values()} <= set(KINDS)
    assert {"vgg11_bn", "vgg16"} < set(NETWORKS)


def test_the_small_vgg_for_cifar_has_dropout_and_stays_below_5_mb(tmp_path: Path) -> None:
    module, kind, settings = classifier("small_vgg", classes=10, side=(32, 32))
    path = write_saved(Saved(module, kind=kind, settings=settings, task="classify"), tmp_path / "n.safetensors")
    assert path.stat().st_size < 5_000_000
    assert any(isinstance(inner, torch.nn.Dropout) and inner.p > 0 for inner in module.modules())


@pytest.mark.parametrize(
    ("name", "side", "advice"),
    [
        ("small_vgg", (28, 28), "multiple of 8.*28 x 28.*--side 32"),
        ("small_vgg", (32, 16), "32 x 16.*--side 16"),
        ("vgg11_bn", (28, 28), "at least 32 x 32.*--side 32"),
        ("resnet9", (7, 9), "at least 8 x 8.*--side 8"),
    ],
)
def test_images_that_do_not_fit(name: str, side: tuple[int, int], advice: str) -> None:
    with pytest.raises(ImagesError, match=f"{name} takes .*{advice}"):
        classifier(name, classes=2, side=side)


def test_an_unknown_network() -> None:
    with pytest.raises(UsageError, match="did you mean resnet9"):
        classifier("resnet8", classes=2, side=(32, 32))
