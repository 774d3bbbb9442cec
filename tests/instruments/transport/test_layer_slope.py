"""Every layer against what it does to inputs: no input stretches it more, and one nearly as much."""

import math

import pytest
import torch
from torch import nn

from snellen.instruments.transport.layer_slope import GELU, SELU, layer_slope
from snellen.instruments.transport.lipschitz_upper import lipschitz_upper

LAYERS = [
    (nn.Linear(6, 4), (6,)),
    (nn.Conv2d(2, 3, 3, padding=1), (2, 5, 5)),
    (nn.Conv2d(2, 3, 4, stride=2, padding=1), (2, 6, 6)),
    (nn.ConvTranspose2d(2, 3, 4, stride=2, padding=1), (2, 4, 4)),
    (nn.MaxPool2d(2), (2, 6, 6)),
    (nn.MaxPool2d(3, stride=2), (1, 7, 7)),
    (nn.AvgPool2d(2), (2, 6, 6)),
    (nn.AvgPool2d(3, stride=1), (1, 6, 6)),
    (nn.AdaptiveAvgPool2d(1), (2, 4, 6)),
    (nn.AdaptiveAvgPool2d((2, 3)), (2, 4, 6)),
    (nn.Upsample(scale_factor=2), (2, 3, 3)),
    (nn.ELU(alpha=2.0), (3,)),
    (nn.SELU(), (3,)),
    (nn.GELU(), (3,)),
    (nn.PReLU(init=1.5), (3,)),
    (nn.Softplus(), (3,)),
    (nn.PixelShuffle(2), (4, 3, 3)),
    (nn.BatchNorm2d(2), (2, 3, 3)),
    (nn.Dropout(), (3,)),
]


@pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=lambda x: str(x)[:40])
def test_no_input_stretches_a_layer_more_and_one_nearly_as_much(layer: nn.Module, shape: tuple[int, ...]) -> None:
    layer = layer.double().eval()
    if isinstance(layer, nn.BatchNorm2d):
        layer.running_var = torch.tensor([0.25, 4.0], dtype=torch.float64)
    bound = lipschitz_upper(layer, shape).value
    generator, best = torch.Generator().manual_seed(0), 0.0
    for scale in (0.1, 1.0, 4.0):
        x = (scale * torch.randn(4, *shape, generator=generator, dtype=torch.float64)).requires_grad_(True)
        v = torch.randn(4, *shape, generator=generator, dtype=torch.float64)
        for _ in range(25):  # the direction that the layer stretches most, there
            v = v / v.flatten(1).norm(dim=1).view(-1, *(1,) * len(shape))
            _, moved = torch.autograd.functional.jvp(layer, x, v)
            best = max(best, float(moved.flatten(1).norm(dim=1).max()))
            v = torch.autograd.functional.vjp(layer, x, moved)[1] + 1e-12 * v
    assert best <= bound * (1 + 1e-6)
    assert best > 0.5 * bound


def test_an_overlapping_maximum_reaches_its_bound() -> None:
    x, y = torch.zeros(2, 1, 1, 7, 7)
    y[0, 0, 2, 2] = 1.0
    moved = (nn.MaxPool2d(3, stride=2)(y[None, 0]) - nn.MaxPool2d(3, stride=2)(x[None, 0])).norm()
    assert lipschitz_upper(nn.MaxPool2d(3, stride=2), (1, 7, 7)).value == pytest.approx(float(moved)) == 2


def test_the_steepest_places_of_activations() -> None:
    x = torch.linspace(-6, 6, 200_001, dtype=torch.float64)
    for layer, wanted in ((nn.GELU(), GELU), (nn.SELU(), SELU)):
        assert float((layer(x).diff() / x.diff()).max()) == pytest.approx(wanted, rel=1e-4)
    assert math.isclose(GELU, 1.1289, abs_tol=1e-4)


@pytest.mark.parametrize(
    "layer",
    [
        nn.AvgPool2d(3, padding=1, count_include_pad=False),
        nn.AdaptiveAvgPool2d(3),
        nn.Upsample(scale_factor=2, mode="bilinear"),
        nn.GELU("tanh"),
        nn.Softmax(1),
        nn.BatchNorm2d(2, track_running_stats=False),
    ],
    ids=str,
)
def test_what_is_not_known_is_none(layer: nn.Module) -> None:
    assert layer_slope(layer, (2, 4, 4)) is None
