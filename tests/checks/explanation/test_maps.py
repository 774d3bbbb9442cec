"""Maps as a finding: whose class, which methods, and when the gradient says nothing."""

import numpy as np
import pytest
import torch
from torch import nn

from checks.hand_made import gallery, linear, noise, scores, subject
from snellen._errors import ImagesError, NotApplicable, UsageError
from snellen.checks.explanation.maps import Maps
from snellen.findings.evidence import HeatMap, Picture
from snellen.instruments.attribution.guided_backprop import GuidedBackprop
from snellen.instruments.attribution.saliency import Saliency

NAMES = ("ant", "bee", "cat")


class Cut(nn.Module):
    """No gradient comes through."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.detach()


class Flat(nn.Module):
    """Scores that do not move with the pixels, although a gradient is defined."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.flatten(1)[:, :3] * 0 + torch.arange(3.0)


def relu_module() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3))


def test_the_maps_are_those_of_the_instruments() -> None:
    seen = subject(scores([0, 1, 2], 3), [0, 1, 0], module=relu_module(), names=NAMES)
    (finding,) = Maps(batch_size=2)(seen)
    assert finding.severity == "info"
    tiles = gallery(finding, "Attribution maps").tiles
    pixels, target = seen.pixels(torch.arange(3)), torch.tensor([0, 1, 2])
    for position, method in ((1, Saliency()), (2, GuidedBackprop())):
        expected = method(seen.network, pixels, target=target)
        for i, tile in enumerate(tiles):
            heat = tile.pictures[position]
            assert isinstance(heat, HeatMap)
            assert np.allclose(heat.values, expected.heat[i], atol=1e-7)
            assert np.allclose(heat.raw, expected.maps[i], atol=1e-7)
            assert heat.low == 0
            assert heat.high == pytest.approx(np.quantile(heat.values, 0.995))
    assert [tile.mark for tile in tiles] == ["right", "right", "wrong"]
    assert tiles[2].lines[0].startswith("for cat (")
    assert all(isinstance(tile.pictures[0], Picture) for tile in tiles)
    assert "Guided backprop guided 1 ReLU." in finding.sentence
    assert finding.measured == {}


@pytest.mark.parametrize(
    ("target", "expected", "words"),
    [
        ("predicted", [0, 1, 2], "the predicted class"),
        ("label", [2, 1, 0], "the true class"),
        ("bee", [1, 1, 1], "class bee"),
        ("2", [2, 2, 2], "class 2"),
        (2, [2, 2, 2], "class 2"),
    ],
)
def test_targets(target: str | int, expected: list[int], words: str) -> None:
    seen = subject(scores([0, 1, 2], 3), [2, 1, 0], names=NAMES)
    (finding,) = Maps(methods=("saliency",), target=target)(seen)
    weight = seen.network.module[1].weight.detach().view(3, 3, 6, 6)
    for i, tile in enumerate(gallery(finding, "Attribution maps").tiles):
        heat = tile.pictures[1]
        assert isinstance(heat, HeatMap)
        assert np.allclose(heat.raw, weight[expected[i]], atol=1e-7)
        assert tile.lines[0].startswith(f"for {NAMES[expected[i]]} (")
    assert finding.sentence.startswith(f"Maps of {words} for 3 images.")


def test_the_label_is_asked_for_and_missing() -> None:
    with pytest.raises(ImagesError, match="needs the true class of every image"):
        Maps(target="label")(subject(scores([0, 1], 3), [0, -1]))


def test_an_unknown_class_names_the_close_ones() -> None:
    with pytest.raises(UsageError, match="did you mean bee"):
        Maps(target="bees")(subject(scores([0, 1], 3), names=NAMES))


def test_a_method_that_cannot_do_its_job_is_left_out_and_says_why() -> None:
    (finding,) = Maps()(subject(scores([0, 1], 3), module=linear(3)))
    assert "uided backprop was left out: guided backpropagation needs at least one ReLU" in finding.sentence
    assert all(len(tile.pictures) == 2 for tile in gallery(finding, "Attribution maps").tiles)


def test_the_only_method_that_cannot_do_its_job_raises() -> None:
    with pytest.raises(NotApplicable, match="ReLU"):
        Maps(methods=("guided_backprop",))(subject(scores([0, 1], 3), module=linear(3)))


def test_no_method_can_do_its_job() -> None:
    module = nn.Sequential(Cut(), linear(3))
    with pytest.raises(NotApplicable, match=r"ReLU|gradient from the scores"):
        Maps()(subject(scores([0, 1], 3), module=module))


def test_zero_gradients_are_a_warning() -> None:
    (finding,) = Maps(methods=("saliency",))(subject(scores([0, 1], 3), module=Flat()))
    assert finding.severity == "warning"
    assert "For 2 images the gradient is zero everywhere" in finding.sentence
    assert "saturated" in finding.remedy


def test_a_saturated_softmax_has_no_gradient() -> None:
    layers = linear(3)
    with torch.no_grad():
        layers[1].weight.mul_(1e4)
    (finding,) = Maps(methods=("saliency",))(subject(scores([0, 1], 3), module=nn.Sequential(layers, nn.Softmax(1))))
    assert finding.severity == "warning"


def test_bfloat16_measures_how_faithful_it_is() -> None:
    (finding,) = Maps(precision="bfloat16")(subject(scores([0, 1], 3), module=relu_module()))
    assert 0.8 < finding.measured["fidelity"] <= 1.0
    assert "median rank correlation with float32" in finding.sentence


def test_at_most_so_many_images() -> None:
    seen = subject(torch.randn(20, 3, generator=torch.Generator().manual_seed(0)), pixels=noise(20))
    (finding,) = Maps(methods=("saliency",), images=5)(seen)
    images = [tile.image for tile in gallery(finding, "Attribution maps").tiles]
    assert len(images) == 5
    assert images == sorted(images)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"methods": ()}, "at least one method"),
        ({"methods": ("salency",)}, "did you mean saliency"),
        ({"images": 0}, "at least 1"),
        ({"batch_size": 0}, "at least 1"),
        ({"precision": "float8"}, "float32 or bfloat16"),
    ],
)
def test_settings_out_of_range(settings: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Maps(**settings)  # type: ignore[arg-type]
