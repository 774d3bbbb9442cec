"""VGG against the layout and the counts of the published networks, written out here by configuration."""

import math
from collections.abc import Iterator

import pytest
import torch
from torch import nn

from snellen._errors import UsageError
from snellen.nets.vgg import VGG, VGGS, vgg

M = "M"
CONFIGURATIONS: dict[int, list[int | str]] = {
    11: [64, M, 128, M, 256, 256, M, 512, 512, M, 512, 512, M],
    13: [64, 64, M, 128, 128, M, 256, 256, M, 512, 512, M, 512, 512, M],
    16: [64, 64, M, 128, 128, M, 256, 256, 256, M, 512, 512, 512, M, 512, 512, 512, M],
    19: [64, 64, M, 128, 128, M, 256, 256, 256, 256, M, 512, 512, 512, 512, M, 512, 512, 512, 512, M],
}
# torchvision's weights.meta["num_params"]
PARAMETERS = {
    "vgg11": 132_863_336,
    "vgg13": 133_047_848,
    "vgg16": 138_357_544,
    "vgg19": 143_667_240,
    "vgg11_bn": 132_868_840,
    "vgg13_bn": 133_053_736,
    "vgg16_bn": 138_365_992,
    "vgg19_bn": 143_678_248,
}


def published_layout(depth: int, batch_norm: bool) -> dict[str, tuple[int, ...]]:
    """Names and shapes of torchvision's checkpoint of this VGG."""
    layout: dict[str, tuple[int, ...]] = {}
    index, channels = 0, 3
    for entry in CONFIGURATIONS[depth]:
        if isinstance(entry, str):
            index += 1
            continue
        layout[f"features.{index}.weight"] = (entry, channels, 3, 3)
        layout[f"features.{index}.bias"] = (entry,)
        if batch_norm:
            for name in ("weight", "bias", "running_mean", "running_var"):
                layout[f"features.{index + 1}.{name}"] = (entry,)
            layout[f"features.{index + 1}.num_batches_tracked"] = ()
        index += 3 if batch_norm else 2
        channels = entry
    for index, (outputs, inputs) in {0: (4096, 25088), 3: (4096, 4096), 6: (1000, 4096)}.items():
        layout[f"classifier.{index}.weight"] = (outputs, inputs)
        layout[f"classifier.{index}.bias"] = (outputs,)
    return layout


def on_meta(name: str) -> VGG:
    with torch.device("meta"):
        return VGGS[name]()


@pytest.fixture(scope="module")
def small() -> Iterator[VGG]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield vgg(11, classes=10, dropout=0.25)


def test_the_table_has_the_eight_published_names() -> None:
    assert set(VGGS) == set(PARAMETERS)


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_parameters_equal_the_published_count(name: str) -> None:
    assert sum(p.numel() for p in on_meta(name).parameters()) == PARAMETERS[name]


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_state_dict_has_the_published_names_and_shapes(name: str) -> None:
    expected = published_layout(int(name[3:5]), name.endswith("_bn"))
    assert {key: tuple(t.shape) for key, t in on_meta(name).state_dict().items()} == expected


def test_every_convolution_is_followed_by_its_norm_and_an_in_place_relu() -> None:
    kinds = [type(layer).__name__ for layer in on_meta("vgg13_bn").features]
    stage = ["Conv2d", "BatchNorm2d", "ReLU"] * 2 + ["MaxPool2d"]
    assert kinds == stage * 5
    assert all(layer.inplace for layer in on_meta("vgg16").modules() if isinstance(layer, nn.ReLU))


def test_dropout_is_half_by_default_and_can_be_chosen(small: VGG) -> None:
    rates = [m.p for m in on_meta("vgg16").classifier if isinstance(m, nn.Dropout)]
    assert rates == [0.5, 0.5]
    assert [m.p for m in small.classifier if isinstance(m, nn.Dropout)] == [0.25, 0.25]


def test_scores_of_another_size_than_the_paper(small: VGG) -> None:
    scores = small(torch.zeros(2, 3, 48, 32))
    assert scores.shape == (2, 10)
    assert torch.isfinite(scores).all()


def test_convolutions_begin_with_he_and_linear_layers_with_001(small: VGG) -> None:
    last = small.features[18]
    assert isinstance(last, nn.Conv2d)
    assert last.weight.std().item() == pytest.approx(math.sqrt(2 / (9 * 512)), rel=0.01)
    first = small.classifier[0]
    assert isinstance(first, nn.Linear)
    assert first.weight[:64].std().item() == pytest.approx(0.01, rel=0.01)
    assert not first.bias.any()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [({"depth": 12}, "11, 13, 16, 19, got 12"), ({"depth": 11, "classes": 1}, "at least 2, got 1")],
)
def test_arguments_out_of_range_are_refused(arguments: dict[str, int], expected: str) -> None:
    with pytest.raises(UsageError, match=expected):
        vgg(**arguments)


def test_a_dropout_of_one_is_refused() -> None:
    with pytest.raises(UsageError, match="dropout must be in"):
        vgg(11, dropout=1.0)
