"""Steps on one batch, beside the closed form of a parabola; and nothing is left of them."""

import math

import pytest
import torch
from torch import nn, optim

from snellen.training.health.setup import TrainingSetup
from snellen.training.health.walk import undecayed, walk
from untouched import untouched


def parabola(rate: float, *, decay: float = 0.0) -> TrainingSetup:
    """L(w) = w^2 / 2 from w = 1: each step of SGD multiplies w by 1 - rate (1 + decay)."""
    network = nn.Linear(1, 1, bias=False)
    nn.init.constant_(network.weight, 1.0)
    optimizer = optim.SGD(network.parameters(), lr=rate, weight_decay=decay)
    return TrainingSetup(network, (optimizer,), torch.ones(1, 1), lambda net, x: net(x).square().sum() / 2, True)


@pytest.mark.parametrize(("rate", "times"), [(0.1, 1.0), (0.1, 10.0), (2.5, 1.0), (2.5, 0.01), (0.5, -1.0)])
def test_the_losses_are_those_of_the_parabola_at_any_rate(rate: float, times: float) -> None:
    setup = parabola(rate)
    with untouched(setup.module):
        losses = walk(setup, 5, rate=times)
    assert losses == pytest.approx([(1 - rate * times) ** (2 * n) / 2 for n in range(6)], rel=1e-5, abs=1e-12)
    assert setup.optimizers[0].param_groups[0]["lr"] == rate
    assert setup.module.weight.grad is None


def test_decay_is_left_out_if_asked() -> None:
    setup = parabola(0.1, decay=3.0)
    assert walk(setup, 1)[1] == pytest.approx(0.6**2 / 2)
    assert walk(setup, 1, decay=False)[1] == pytest.approx(0.9**2 / 2)
    assert undecayed(setup).at(1) == pytest.approx(0.9**2 / 2)
    assert setup.optimizers[0].param_groups[0]["weight_decay"] == 3.0


def test_it_ends_where_it_is_told_to_or_the_loss_is_lost() -> None:
    assert len(walk(parabola(0.1), 9, halt=lambda losses: len(losses) == 3)) == 3
    lost = walk(parabola(1e30), 9)
    assert len(lost) < 10
    assert not math.isfinite(lost[-1])


def test_weights_and_batch_are_changed_for_the_walk_alone() -> None:
    setup = parabola(0.1)
    weight = setup.module.get_parameter("weight")
    assert walk(setup, 0, change=lambda: weight.mul_(3.0)) == pytest.approx([4.5])
    assert walk(setup, 0, batch=torch.full((1, 1), 5.0)) == pytest.approx([12.5])
    assert float(weight.detach()) == 1.0


def test_dropout_drops_the_same_in_every_step() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(40, 1), nn.Dropout(0.5))
    still = optim.SGD(network.parameters(), lr=0.0)
    setup = TrainingSetup(network, (still,), torch.rand(30, 40), lambda net, x: net(x).sum(), True)
    assert len(set(walk(setup, 3))) == 1
