"""Saliency: closed form, finite differences, captum's toy, and what cannot be differentiated."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from snellen._errors import NetworkError, NotApplicable, UsageError
from snellen.instruments.attribution.saliency import Saliency
from snellen.subject.network import Network
from snellen.subject.preprocessing import Preprocessing
from toys import RaisesBackward, Toy, captum_pixels, captum_toy, linear_network


def test_a_linear_network_gives_its_weights_over_the_std() -> None:
    network = linear_network()
    result = Saliency()(network, torch.rand(5, 3, 4, 4), target=torch.tensor([0, 1, 2, 2, 1]))
    weights = network.module[1].weight.detach().view(3, 3, 4, 4) / torch.tensor(network.std).view(1, 3, 1, 1)
    torch.testing.assert_close(result.maps, weights[[0, 1, 2, 2, 1]])
    assert result.target.tolist() == [0, 1, 2, 2, 1]
    torch.testing.assert_close(result.heat, result.maps.abs().amax(dim=1))


def test_maps_of_a_bgr_network_are_rgb() -> None:
    rgb = linear_network()
    module = Toy(lambda m, x: m.inner(x.flip(1)), inner=rgb.module)
    fit = Preprocessing(size=(4, 4), channels="BGR")
    bgr = Network(module, mean=rgb.mean[::-1], std=rgb.std[::-1], preprocessing=fit)
    pixels = torch.rand(2, 3, 4, 4)
    torch.testing.assert_close(Saliency()(bgr, pixels, target=1).maps, Saliency()(rgb, pixels, target=1).maps)


def test_finite_differences() -> None:
    torch.manual_seed(0)
    layers = nn.Conv2d(3, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(36, 6), nn.Softplus(), nn.Linear(6, 3)
    network = Network(nn.Sequential(*layers).double(), mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4))
    pixels = torch.rand(1, 3, 5, 5, dtype=torch.float64)
    maps = Saliency()(network, pixels, target=2).maps
    steps = torch.eye(75, dtype=torch.float64).view(75, 3, 5, 5) * 1e-5
    with torch.no_grad():
        slope = (network.logits(pixels + steps) - network.logits(pixels - steps))[:, 2] / 2e-5
    torch.testing.assert_close(maps.flatten(), slope.float(), rtol=1e-5, atol=1e-6)


def test_captums_toy() -> None:
    maps = Saliency()(captum_toy(), captum_pixels(), target=0).maps / 16
    expected = [[0, 1, 1, 1], [0, 1, 1, 1], [0, 1, 1, 1], [0, 0, 0, 0]]
    torch.testing.assert_close(maps[0, 0], torch.tensor(expected).float())


def test_without_a_target_it_is_the_predicted_class() -> None:
    network, pixels = linear_network(), torch.rand(6, 3, 4, 4)
    result = Saliency()(network, pixels, batch_size=4)
    predicted = network.logits(pixels).argmax(dim=1)
    assert torch.equal(result.target, predicted)
    assert torch.equal(result.maps, Saliency()(network, pixels, target=predicted, batch_size=4).maps)
    torch.testing.assert_close(result.logits, network.logits(pixels).detach())


@pytest.mark.parametrize("cut", [lambda x: x.detach(), lambda x: x.round().detach(), lambda x: x * 0 + 1])
def test_no_gradient_to_the_pixels(cut: Any) -> None:
    network = Network(Toy(lambda m, x: m.head(cut(x).flatten(1)), head=nn.Linear(48, 3)))
    if cut(torch.ones(1, requires_grad=True)).requires_grad:
        assert not Saliency()(network, torch.rand(1, 3, 4, 4)).maps.any()
    else:
        with pytest.raises(NotApplicable, match=r"a gradient .* is needed and there is none"):
            Saliency()(network, torch.rand(1, 3, 4, 4))


def test_a_gradient_that_is_not_finite_is_an_error_and_not_a_map() -> None:
    def run(m: Any, x: Tensor) -> Tensor:
        flat = x.flatten(1)
        return m.head((flat - flat).sqrt())  # type: ignore[no-any-return]

    with pytest.raises(NetworkError, match="gradient of Toy must be finite, got NaN"):
        Saliency()(Network(Toy(run, head=nn.Linear(48, 3))), torch.rand(1, 3, 4, 4))


def test_a_backward_that_raises_is_the_networks_error() -> None:
    network = Network(nn.Sequential(RaisesBackward(), *linear_network().module))
    with pytest.raises(NetworkError, match="backward raised ValueError: the backward raises on purpose"):
        Saliency()(network, torch.rand(1, 3, 4, 4))


@pytest.mark.parametrize("batch_size", [0, -3])
def test_a_batch_size_below_one(batch_size: int) -> None:
    with pytest.raises(UsageError, match=f"batch_size must be at least 1, got {batch_size}"):
        Saliency()(linear_network(), torch.rand(1, 3, 4, 4), batch_size=batch_size)


def test_bfloat16_maps_are_close_and_float32() -> None:
    torch.manual_seed(0)
    layers = nn.Conv2d(3, 8, 3), nn.Tanh(), nn.Flatten(), nn.Linear(128, 3)
    network, pixels = Network(nn.Sequential(*layers)), torch.rand(2, 3, 6, 6)
    exact, cheap = (Saliency(precision=p)(network, pixels, target=0).maps for p in ("float32", "bfloat16"))
    assert cheap.dtype == torch.float32
    assert not torch.equal(exact, cheap), "bfloat16 was not used"
    assert (exact - cheap).norm() < 0.03 * exact.norm()
