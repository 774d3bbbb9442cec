"""Weights to begin with: taken as they are, or with a last layer of their own, or refused."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from snellen._errors import NetworkError, UsageError
from snellen.nets.classifiers import classifier
from snellen.nets.saved import Saved, write_saved
from snellen.training.initial import Initial, begin_with, read_initial


def net(classes: int, seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return classifier("small_vgg", classes=classes, side=(16, 16))[0]


def same(one: nn.Module, other: nn.Module, *, but: str = "nothing") -> bool:
    theirs = other.state_dict()
    return all(torch.equal(v, theirs[k]) for k, v in one.state_dict().items() if not k.startswith(but))


@pytest.mark.parametrize("format", ["safetensors", "torch", "snellen"])
def test_all_formats_give_the_same_weights(tmp_path: Path, format: str) -> None:
    source, target = net(3, 0), net(3, 1)
    path = tmp_path / ("w.pt" if format == "torch" else "w.safetensors")
    if format == "torch":
        torch.save(source.state_dict(), path)
    elif format == "safetensors":
        save_file(source.state_dict(), path)
    else:
        built = classifier("small_vgg", classes=3, side=(16, 16))[2]
        write_saved(Saved(source, kind="small_vgg", settings=built, task="classify", mean=(0.1,), std=(0.3,)), path)
    initial = read_initial(str(path), "small_vgg")
    begin_with(target, initial)
    assert same(target, source)
    assert (initial.mean, initial.std) == (((0.1,), (0.3,)) if format == "snellen" else (None, None))
    assert any("does not say how its images were normalised" in n for n in initial.notes) is (format != "snellen")


def test_a_last_layer_of_another_size_is_named_and_replaced() -> None:
    source, target, fresh = net(10, 0), net(3, 1), net(3, 1)
    (note,) = begin_with(target, Initial(dict(source.state_dict()), "ten.pt"))
    assert (
        note == "the last layer, classifier.4, of ten.pt has 10 classes and these are 3: it was replaced by a new one"
    )
    assert same(target, source, but="classifier.4")
    head, new = (dict(module.named_modules())["classifier.4"] for module in (target, fresh))
    assert same(head, new)


def test_anything_else_that_does_not_fit_is_refused_and_nothing_changes() -> None:
    target, before = net(3, 1), net(3, 1)
    wrong = dict(net(3, 0).state_dict())
    wrong["features.0.weight"] = torch.zeros(5, 3, 3, 3)
    with pytest.raises(NetworkError, match=r"odd\.pt does not fit SmallVGG.*features\.0\.weight"):
        begin_with(target, Initial(wrong, "odd.pt"))
    assert same(target, before)


def test_weights_that_are_no_numbers_are_refused() -> None:
    broken = {k: v * torch.nan for k, v in net(3, 0).state_dict().items() if v.is_floating_point()}
    with pytest.raises(NetworkError, match="NaN"):
        begin_with(net(3, 1), Initial(broken, "nan.pt"))


def test_imagenet_weights_are_published_for_the_vggs_alone() -> None:
    with pytest.raises(UsageError, match=r"published for vgg11, .*, not for small_vgg"):
        read_initial("imagenet", "small_vgg")


def test_a_network_without_linear_layers_has_no_last_one() -> None:
    with pytest.raises(NetworkError, match="no linear layer"):
        begin_with(nn.Conv2d(1, 1, 1), Initial({}, "x.pt"))
