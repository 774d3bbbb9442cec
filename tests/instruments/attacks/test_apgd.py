"""APGD against the algorithm of the paper, one image at a time; closed forms on linear networks; DLR by hand."""

from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from snellen._errors import UsageError
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.attacks._goal import Moved, Targeted, Untargeted
from snellen.instruments.attacks._norms import L2, Linf
from snellen.instruments.attacks._pairs import Pair
from snellen.instruments.attacks._victim import Victim
from snellen.instruments.attacks.apgd import APGD, dlr
from snellen.subject.network import Network

PIXELS = (torch.rand(6, 3, 5, 5, generator=torch.Generator().manual_seed(1)) * 0.4 + 0.3).mul(255).round() / 255
OWN = torch.tensor([0])


def linear(classes: int = 4, scale: float = 1.0) -> tuple[Network, Tensor]:
    """A network and the weights of its classes."""
    torch.manual_seed(7)
    layer = nn.Linear(75, classes)
    layer.weight.data *= scale
    layer.bias.data *= scale
    return Network(nn.Sequential(nn.Flatten(), layer)), layer.weight.detach()


def bent() -> Network:
    torch.manual_seed(8)
    return Network(nn.Sequential(nn.Flatten(), nn.Linear(75, 20), nn.ReLU(), nn.Linear(20, 4)))


def answers(network: Network) -> Tensor:
    return network.outputs(PIXELS).detach().argmax(dim=1)


def test_dlr_by_hand() -> None:
    four = torch.tensor([[5.0, 2.0, 1.0, -4.0]])
    assert dlr(four, Untargeted(OWN)).item() == pytest.approx(-(5 - 2) / (5 - 1))
    assert dlr(four, Untargeted(OWN + 1)).item() == pytest.approx((5 - 2) / (5 - 1))
    assert dlr(four, Pair(OWN, OWN + 3)).item() == pytest.approx(-(5 + 4) / (5 - (1 - 4) / 2))
    assert dlr(four, Targeted(OWN + 2)).item() == pytest.approx(-(5 - 1) / (5 - 1))
    torch.testing.assert_close(dlr(1000 * four + 7, Untargeted(OWN)), dlr(four, Untargeted(OWN)))


def test_dlr_with_fewer_scores() -> None:
    three, two = torch.tensor([[5.0, 2.0, 1.0]]), torch.tensor([[5.0, 2.0]])
    assert dlr(three, Pair(OWN, OWN + 1)).item() == pytest.approx(-(5 - 2) / (5 - 1)), "no fourth score"
    assert dlr(two, Untargeted(OWN)).item() == -3, "no third score: the margin"
    assert dlr(two, Pair(OWN, OWN + 1)).item() == -3
    assert dlr(three, Moved(torch.tensor([4.0]), by=3.0)).item() == -2, "a regression has a margin alone"


def plain_apgd(network: Network, image: Tensor, label: int, noise: Tensor, radius: float, steps: int) -> Tensor:
    """Algorithm 1 of the paper, for Linf and the cross-entropy, one image, slopes at the picture of 8 bits."""

    def value(x: Tensor) -> tuple[float, Tensor]:
        leaf = ((x * 255).round() / 255).requires_grad_()
        loss = nn.functional.cross_entropy(network.outputs(leaf), torch.tensor([label]))
        (slope,) = torch.autograd.grad(loss, leaf)
        return float(loss.detach()), slope

    def project(x: Tensor) -> Tensor:
        return torch.max(torch.min(x, image + radius), image - radius).clamp(0, 1)

    checkpoints, p = [0], [0.0, 0.22]
    while p[-1] < 1:
        p.append(p[-1] + max(p[-1] - p[-2] - 0.03, 0.06))
    checkpoints = sorted({-(-round(100 * q) * steps // 100) for q in p if q <= 1})
    points = [project(image + noise)]
    losses, slope = [value(points[0])[0]], value(points[0])[1]
    best, best_loss, best_slope = points[0], losses[0], slope
    step, halved, at_last = 2 * radius, True, losses[0]
    current, before = points[0], points[0]
    for k in range(steps):
        z = project(current + step * slope.sign())
        share = 0.75 if k else 1.0
        after = project(current + share * (z - current) + (1 - share) * (current - before))
        loss, slope = value(after)
        losses.append(loss)
        if loss > best_loss:
            best, best_loss, best_slope = after, loss, slope
        before, current = current, after
        if k + 1 in checkpoints:
            since = checkpoints[checkpoints.index(k + 1) - 1]
            rises = sum(b > a for a, b in pairwise(losses[since : k + 2]))
            seldom, idle = rises < 0.75 * (k + 1 - since), not halved and best_loss <= at_last
            halved, at_last = seldom or idle, best_loss
            if halved:
                step, current, slope = step / 2, best, best_slope
    return (best * 255).round() / 255


def hilly() -> Network:
    """Bent often enough that the best of a large ball is no corner, and steps must become small."""
    torch.manual_seed(8)
    layers = nn.Linear(75, 20), nn.Tanh(), nn.Linear(20, 20), nn.Tanh(), nn.Linear(20, 4)
    for layer in layers[::2]:
        layer.weight.data *= 5
    return Network(nn.Sequential(nn.Flatten(), *layers))


def test_equals_the_algorithm_of_the_paper() -> None:
    """All images at once with their own step sizes, and one at a time; no image stops at its goal."""
    network, norm = hilly(), Linf(60 / 255)
    labels = answers(network)
    victim = Victim(network, Untargeted(labels), batch_size=1, stops=False)
    streams = [Draws.of((PIXELS * 255).round().byte(), 3) for _ in range(2)]
    made = APGD(norm, steps=100).perturb(victim, PIXELS, streams[0])
    noise = norm.drawn(PIXELS.shape, streams[1].split(0))
    assert float(((made - PIXELS).abs() < norm.radius - 1e-3).float().mean()) > 0.1, "not all in the corners"
    for i in range(len(PIXELS)):
        wanted = plain_apgd(network, PIXELS[i : i + 1], int(labels[i]), noise[i : i + 1], norm.radius, 100)
        torch.testing.assert_close(made[i : i + 1], wanted, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("loss", "classes"),
    [("ce", 2), ("dlr", 2), ("dlr", 3), ("dlr", 4), ("targeted", 2), ("targeted", 3), ("targeted", 4)],
)
def test_finds_exactly_what_a_linear_network_allows(loss: str, classes: int) -> None:
    """Away from black and white the least change in Linf is the margin over the sum of the absolute weights."""
    network, weight = linear(classes)
    labels = answers(network)
    scores = network.outputs(PIXELS).detach()
    gap = scores.gather(1, labels[:, None]) - scores
    least = (gap / (weight[labels][:, None] - weight).abs().sum(dim=2).clamp_min(1e-9)).masked_fill(gap == 0, 9)
    least = 255 * least.amin(dim=1)
    for levels in (int(least.min()), int(least.median()), int(least.max()) + 1):
        found = APGD(Linf(max(levels, 1) / 255), loss=loss, steps=20)(network, PIXELS, labels)  # type: ignore[arg-type]
        assert torch.equal(found.success, least < max(levels, 1)), (least, levels)


@pytest.mark.parametrize("loss", ["ce", "targeted"])
def test_reaches_the_boundary_of_a_ball(loss: str) -> None:
    """L2: the margin over the length of the weights, and little more for the levels."""
    network, weight = linear(2)
    labels = answers(network)
    gap = network.outputs(PIXELS).detach().diff(dim=1).abs()[:, 0]
    least = float((gap / torch.linalg.vector_norm(weight[0] - weight[1])).max())
    assert APGD(L2(1.03 * least), loss=loss, steps=30)(network, PIXELS, labels).success.all()  # type: ignore[arg-type]
    assert not APGD(L2(0.99 * least), loss=loss, steps=30)(network, PIXELS, labels).success.all()  # type: ignore[arg-type]


def test_dlr_climbs_where_the_cross_entropy_is_flat() -> None:
    network, _ = linear(scale=1e5)
    labels = answers(network)
    flat, steep = (APGD(Linf(0.2), loss=loss, steps=20)(network, PIXELS, labels) for loss in ("ce", "dlr"))  # type: ignore[arg-type]
    assert flat.details["flat"] > 0
    assert not flat.success.any()
    assert steep.success.all()


def test_success_rises_with_the_budget() -> None:
    network = bent()
    labels = answers(network)
    found = [APGD(Linf(k / 255), steps=20)(network, PIXELS, labels).success for k in (2, 8, 16, 32, 255)]
    assert all(bool((low <= high).all()) for low, high in pairwise(found))
    assert not found[0].all()
    assert found[-1].all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"loss": "margin"}, "loss must be ce, dlr or targeted, got 'margin'"),
        ({"steps": 0}, "at least 1, got 0, 1 and 9"),
        ({"rho": 1.0}, "between 0 and 1, got 1.0"),
    ],
)
def test_wrong_settings(settings: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        APGD(**settings)  # type: ignore[arg-type]
