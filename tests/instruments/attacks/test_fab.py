"""FAB's least changes against closed forms, against every point of a grid, and where black and white stop it."""

import pytest
import torch
from torch import Tensor, nn

from snellen._errors import UsageError
from snellen.instruments.attacks._goal import Moved
from snellen.instruments.attacks._hyperplane import towards
from snellen.instruments.attacks._norms import L2, Linf, Norm
from snellen.instruments.attacks.fab import FAB
from snellen.subject.network import Network

NORMS = pytest.mark.parametrize("norm", [Linf(), L2()], ids=["linf", "l2"])
PIXELS = (torch.rand(6, 3, 5, 5, generator=torch.Generator().manual_seed(1)) * 0.4 + 0.3).mul(255).round() / 255


def linear(classes: int = 4) -> tuple[Network, Tensor]:
    torch.manual_seed(7)
    layer = nn.Linear(75, classes)
    return Network(nn.Sequential(nn.Flatten(), layer)), layer.weight.detach()


def least(network: Network, weight: Tensor, pixels: Tensor, norm: Norm) -> Tensor:
    """The smallest over the other classes of the exact projection within the box."""
    scores = network.outputs(pixels).detach()
    labels = scores.argmax(dim=1)
    sizes = torch.full(scores.shape, torch.inf, dtype=torch.float64)
    for k in range(scores.shape[1]):
        normal = (weight[k] - weight[labels]).view_as(pixels)
        need = scores.gather(1, labels[:, None])[:, 0] - scores[:, k]
        change = towards(pixels, normal, need, norm)
        there = (change * normal).flatten(1).sum(dim=1) > 0.999 * need
        sizes[:, k] = torch.where((labels == k) | ~there, torch.inf, norm.size(change))
    return sizes.amin(dim=1)


@NORMS
@pytest.mark.parametrize("classes", [2, 4])
def test_closed_form_of_a_linear_network(norm: Norm, classes: int) -> None:
    """The margin over the sum of the absolute weights (Linf), or over their length (L2)."""
    network, weight = linear(classes)
    scores = network.outputs(PIXELS).detach()
    labels = scores.argmax(dim=1)
    between = (weight[labels][:, None] - weight).double()
    length = between.abs().sum(dim=2) if isinstance(norm, Linf) else torch.linalg.vector_norm(between, dim=2)
    gap = scores.gather(1, labels[:, None]) - scores
    closed = (gap / length).masked_fill(gap == 0, torch.inf).amin(dim=1)
    torch.testing.assert_close(least(network, weight, PIXELS, norm), closed, rtol=1e-4, atol=0)
    found = FAB(norm, steps=15)(network, PIXELS, labels)
    assert found.float_success.all()
    ratio = found.float_distance / closed
    assert float(ratio.min()) > 0.9999
    assert float(ratio.max()) < 1.001
    assert found.success.all()
    if isinstance(norm, Linf):
        assert (found.distance * 255 <= (closed * 255).ceil() + 1e-4).all(), "the next level is the price of the file"


@NORMS
def test_where_black_and_white_stop_it(norm: Norm) -> None:
    network, weight = linear(3)
    pixels = PIXELS.clone()
    pixels[:, :, :3] = (pixels[:, :, :3] > 0.5).float()
    labels = network.outputs(pixels).detach().argmax(dim=1)
    found = FAB(norm, steps=40)(network, pixels, labels)
    wanted = least(network, weight, pixels, norm)
    assert torch.equal(found.float_success, wanted.isfinite())
    ratio = (found.float_distance / wanted)[wanted.isfinite()]
    assert len(ratio) > 3
    assert float(ratio.min()) > 0.999
    assert float(ratio.max()) < 1.01


@NORMS
def test_nearest_point_of_a_grid_of_all_points(norm: Norm) -> None:
    """Two pixels, two layers: the nearest of a million points that another class claims."""
    torch.manual_seed(9)
    module = nn.Sequential(nn.Flatten(), nn.Linear(2, 12), nn.ReLU(), nn.Linear(12, 3))
    for parameter in module.parameters():
        parameter.data *= 3
    network = Network(module)
    axis = torch.linspace(0, 1, 1001)
    grid = torch.cartesian_prod(axis, axis)
    claimed = module(grid).argmax(dim=1)
    pixels = (torch.rand(6, 1, 1, 2, generator=torch.Generator().manual_seed(2)) * 255).round() / 255
    labels = network.outputs(pixels).detach().argmax(dim=1)
    found = FAB(norm, restarts=2, steps=30)(network, pixels, labels)
    for i in range(len(pixels)):
        others = (grid[claimed != labels[i]] - pixels[i].view(2)).view(-1, 1, 1, 2)
        nearest = float(norm.size(others).min())
        assert nearest - 0.002 < float(found.float_distance[i]) < 1.02 * nearest + 0.002


def test_a_regression_past_its_own_threshold() -> None:
    """tanh(z) must leave 0.4 by half upwards: at z = 1.47, not at z = 0.9 where the score itself has moved by half."""
    module = nn.Sequential(nn.Flatten(), nn.Linear(4, 1, bias=False), nn.Tanh())
    module[1].weight.data.fill_(1.0)
    pixels = torch.full((1, 1, 2, 2), 27 / 255)
    network = Network(module)
    before = network.outputs(pixels).detach()[:, 0]
    found = FAB(Linf(), steps=40)(network, pixels, Moved(before, by=0.5, sign=1))
    exact = (torch.atanh(before.double() + 0.5) / 4 - 27 / 255).abs()
    assert found.success.all()
    torch.testing.assert_close(found.float_distance, exact, rtol=0.02, atol=0)


def test_without_a_slope_nothing_is_claimed() -> None:
    network = Network(nn.Sequential(nn.Flatten(), nn.Threshold(2.0, 0.5), nn.Linear(75, 2)))
    labels = network.outputs(PIXELS).detach().argmax(dim=1)
    found = FAB(steps=3)(network, PIXELS, labels)
    assert not found.float_success.any()
    assert torch.equal(found.images, PIXELS)
    assert found.details["gradients"] == 6, "it stops where all is flat"


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"steps": 0}, "at least 1, got 9, 0 and 1"), ({"overshoot": 0.5}, r"got 0.1, 0.5 and 0.9")],
)
def test_wrong_settings(settings: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        FAB(**settings)  # type: ignore[arg-type]
