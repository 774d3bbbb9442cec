"""The loss along the actual step, on a parabola where it is known."""

import pytest
import torch
from torch import nn, optim

from snellen.training.health.observe import observe


def parabola(lr: float, start: float = 1.0) -> tuple[nn.Module, optim.Optimizer]:
    """L(w) = w^2 / 2: a step of rate lr goes to (1 - a lr) w at multiple a."""
    network = nn.Linear(1, 1, bias=False)
    nn.init.constant_(network.weight, start)
    return network, optim.SGD(network.parameters(), lr=lr)


def loss(net: nn.Module, batch: torch.Tensor) -> torch.Tensor:
    return net(batch).square().sum() / 2


@pytest.mark.parametrize(("lr", "multiples"), [(0.001, (0, 1, 256)), (3.0, (0, 0.5, 1)), (6.0, (0, 0.25, 0.5, 1))])
def test_the_losses_are_those_of_the_parabola(lr: float, multiples: tuple[float, ...]) -> None:
    seen = observe(*parabola(lr), torch.ones(1, 1), loss)
    assert [m for m, _ in seen.trial.losses] == list(multiples)
    for multiple, value in seen.trial.losses:
        assert value == pytest.approx((1 - multiple * lr) ** 2 / 2, rel=1e-5)
    assert seen.trial.critical == min((m for m in multiples if m * lr > 2), default=float("inf"))


def test_a_closure_is_given_to_who_wants_one() -> None:
    network, _ = parabola(0.1)
    seen = observe(network, optim.LBFGS(network.parameters(), lr=0.5), torch.ones(1, 1), loss)
    assert seen.parameters[0].changed is True
    assert seen.trial.failure == ""


def test_a_step_without_gradients_is_said() -> None:
    network, _ = parabola(0.1)
    other = optim.SGD([nn.Parameter(torch.ones(1))], lr=0.1)
    seen = observe(network, other, torch.ones(1, 1), loss)
    assert seen.trial.losses == ()
    assert seen.trial.failure == "no gradient reached an optimizer"


def test_dropout_falls_the_same_way_at_every_multiple() -> None:
    network = nn.Sequential(nn.Linear(50, 1, bias=False), nn.Dropout(0.5))
    optimizer = optim.SGD(network.parameters(), lr=1e-9)
    seen = observe(network, optimizer, torch.ones(64, 50), loss)
    assert seen.trial.at(1) == pytest.approx(seen.loss, rel=1e-4)
