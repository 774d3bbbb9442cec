"""Where parameters are stepped from, and what decay does to them, beside the optimizers' own arithmetic."""

from typing import Any

import pytest
import torch
from torch import nn, optim

from snellen.training.health.rules import places, pulls, rules, strangers
from snellen.training.health.setup import TrainingSetup


def setup(module: nn.Module, *optimizers: optim.Optimizer) -> TrainingSetup:
    return TrainingSetup(module, optimizers, None, nn.MSELoss(), False)


def test_places_are_optimizer_group_and_rate() -> None:
    net = nn.Linear(2, 2)
    one = optim.SGD([{"params": [net.weight]}, {"params": [net.bias], "lr": 0.5}], lr=0.1)
    two = optim.Adam([net.weight], lr=torch.tensor(0.25))
    found = places([one, two])
    assert found[id(net.weight)] == (((0, 0, 0.1), (1, 0, 0.25)), False)
    assert found[id(net.bias)] == (((0, 1, 0.5),), False)


def test_a_schedule_moves_and_a_rate_that_was_set_to_0_does_too() -> None:
    net = nn.Linear(2, 2)
    warm, set_to_0, made_with_0 = (optim.SGD(net.parameters(), lr=rate) for rate in (0.1, 0.1, 0.0))
    optim.lr_scheduler.LambdaLR(warm, lambda _: 0.0)
    set_to_0.param_groups[0]["lr"] = 0.0
    assert [places([o])[id(net.bias)] for o in (warm, set_to_0, made_with_0)] == [
        (((0, 0, 0.0),), True),
        (((0, 0, 0.0),), True),
        (((0, 0, 0.0),), False),
    ]


def test_what_is_not_the_networks_and_what_is_held_twice() -> None:
    net, gone = nn.Linear(2, 2), nn.Parameter(torch.ones(3))
    with pytest.warns(UserWarning, match="duplicate"):
        twice = optim.SGD([{"params": [net.weight, net.weight]}, {"params": [gone]}], lr=0.1)
    at = setup(net, optim.SGD([net.bias], lr=0.1), twice)
    ((tensor, number),) = strangers(at)
    assert (tensor is gone, number) == (True, 1)
    assert [(r.name, r.own, r.duplicates, r.stepped) for r in rules(at)] == [("SGD", 1, 0, False), ("SGD", 1, 1, False)]


@pytest.mark.parametrize(
    ("made", "coupled"),
    [
        (lambda p: optim.SGD(p, lr=0.1, weight_decay=0.01), True),
        (lambda p: optim.AdamW(p, lr=0.1, weight_decay=0.01), False),
        (lambda p: optim.Adam(p, lr=0.1, weight_decay=0.01, decoupled_weight_decay=True), False),
        (lambda p: optim.Adam(p, lr=0.1, weight_decay=0.01), True),
    ],
)
def test_decay_takes_what_a_step_without_a_gradient_takes(made: Any, coupled: bool) -> None:
    net = nn.Linear(2, 2, bias=False)
    optimizer = made(net.parameters())
    before = net.weight.detach().clone()
    net.weight.grad = torch.zeros_like(net.weight)
    optimizer.step()
    taken = float((1 - net.weight.detach() / before).mean())
    (rule,) = rules(setup(net, optimizer))
    if not coupled or isinstance(optimizer, optim.SGD):
        assert rule.shrinks == pytest.approx(taken, rel=1e-3)
    assert pulls([optimizer]) == ({id(net.weight): 0.01} if coupled else {})


def test_momentum_adds_decay_up() -> None:
    """With momentum m a constant push ends m times as large as the sum of a geometric series says: 1 / (1 - m)."""
    net = nn.Linear(2, 2)
    (rule,) = rules(setup(net, optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)))
    assert rule.shrinks == pytest.approx(0.1 * 0.01 * sum(0.9**n for n in range(1000)))
