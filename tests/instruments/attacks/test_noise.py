"""Noise finds what chance finds, as counted over all coins there are."""

from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from snellen._errors import UsageError
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.attacks._norms import L2, Linf, Norm
from snellen.instruments.attacks.noise import Noise
from snellen.subject.network import Network

EPS = 20 / 255
GREY = torch.randint(100, 156, (500, 3, 2, 2), generator=torch.Generator().manual_seed(3)) / 255


def linear() -> tuple[Network, Tensor]:
    torch.manual_seed(0)
    layer = nn.Linear(12, 2)
    layer.bias.data -= layer(torch.full((1, 12), 0.5))[0].detach()
    return Network(nn.Sequential(nn.Flatten(), layer)), layer.weight.detach()


def chances(network: Network, weight: Tensor) -> tuple[Tensor, Tensor]:
    """The classes, and the exact chance that coins of size EPS change each: all 4096 of them."""
    scores = network.outputs(GREY).detach()
    coins = torch.tensor(list(product((-1.0, 1.0), repeat=12))) * EPS
    labels = scores.argmax(dim=1)
    sign = 2.0 * labels - 1
    gap = (scores[:, 1] - scores[:, 0]) * sign
    change = coins @ (weight[1] - weight[0])
    return labels, (gap[:, None] + sign[:, None] * change < 0).double().mean(dim=1)


@pytest.mark.parametrize("tries", [1, 4])
def test_the_rate_is_that_of_chance(tries: int) -> None:
    network, weight = linear()
    labels, chance = chances(network, weight)
    found = Noise(Linf(EPS), kind="sign", tries=tries)(network, GREY, labels, seed=2)
    chance = 1 - (1 - chance) ** tries
    spread = (chance * (1 - chance)).sum().sqrt()
    assert spread > 3
    assert abs(int(found.success.sum()) - chance.sum()) < 3.5 * spread
    assert torch.unique(((found.images - GREY)[found.success] * 255).round().abs()).tolist() == [20]


def drawn(norm: Norm, **settings: Any) -> Tensor:
    """The noise itself: one try never looks at a network."""
    attack = Noise(norm, **settings)
    return attack.perturb(None, GREY, Draws.of((GREY * 255).byte(), 0)) - GREY  # type: ignore[arg-type]


def test_uniform_noise_is_uniform() -> None:
    levels = (drawn(Linf(EPS)) * 255).round()
    assert int(levels.abs().max()) == 20
    counts = torch.histc(levels, 41, -20.5, 20.5)
    inner = counts[1:-1] / levels.numel()
    torch.testing.assert_close(inner, torch.full_like(inner, 1 / 40), rtol=0, atol=4 * (1 / 40 / 6000) ** 0.5)


@pytest.mark.parametrize("kind", ["uniform", "sign"])
def test_in_l2_it_has_the_length_of_the_budget(kind: Any) -> None:
    lengths = L2().size(drawn(L2(0.5), kind=kind))
    assert (lengths <= 0.5 + 1e-7).all()
    assert (lengths > 0.47).all()  # rounding to levels keeps within the budget and takes a little


def test_what_cannot_be_drawn() -> None:
    with pytest.raises(UsageError, match="uniform or sign, got 'salt'"):
        Noise(kind="salt")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="tries must be at least 1, got 0"):
        Noise(tries=0)
