"""What a trial changes is put back, object for object."""

import random

import numpy as np
import pytest
import torch
from torch import nn, optim

from snellen.training.health.kept import Buffers, Dice, kept, opened, random_kept, with_inner
from untouched import untouched


def stepped() -> tuple[nn.Sequential, optim.Optimizer]:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    optimizer = optim.AdamW(network.parameters(), lr=0.1)
    network(torch.randn(8, 4)).sum().backward()
    optimizer.step()
    return network, optimizer


@pytest.mark.parametrize("raises", [False, True])
def test_a_step_leaves_no_trace(raises: bool) -> None:
    network, optimizer = stepped()
    state = {p: dict(s) for p, s in optimizer.state.items()}
    values = {p: {k: v.clone() for k, v in s.items()} for p, s in state.items()}
    whole, groups = optimizer.state, optimizer.param_groups
    calls: list[int] = []
    optimizer.register_step_post_hook(lambda *_: calls.append(1))
    try:
        with untouched(network), kept([network], [optimizer]):
            assert network[0].weight.grad is None
            network.eval()
            network[0].extra = 3
            network[1].running_mean = torch.ones(4)
            network[2].weight.requires_grad_(False)
            network(torch.randn(8, 4)).sum().backward()
            optimizer.param_groups[0]["lr"] = 7.0
            optimizer.step()
            random.random()
            np.random.rand()
            if raises:
                raise ValueError
    except ValueError:
        assert raises
    assert not hasattr(network[0], "extra")
    assert optimizer.state is whole
    assert optimizer.param_groups is groups
    assert optimizer.param_groups[0]["lr"] == 0.1
    assert calls == []
    for p, s in state.items():
        assert all(optimizer.state[p][k] is v and torch.equal(v, values[p][k]) for k, v in s.items())


def test_a_graph_that_waits_for_its_backward_still_can() -> None:
    network, optimizer = stepped()
    loss = network(torch.randn(8, 4)).square().sum()
    with kept([network], [optimizer]):
        network(torch.randn(8, 4)).sum().backward()
        optimizer.step()
    loss.backward()


def test_an_optimizer_in_an_optimizer_is_found() -> None:
    _, inner = stepped()
    outer = optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    outer.base = inner  # type: ignore[attr-defined]
    assert with_inner([outer]) == [outer, inner]


def test_dice_and_buffers_repeat_a_moment() -> None:
    norm = nn.BatchNorm1d(3)
    with random_kept():
        dice, buffers = Dice(), Buffers([norm])
        one = torch.randn(3), random.random(), np.random.rand()
        norm(torch.randn(5, 3))
        assert bool(norm.running_mean.any())
        dice.throw_again()
        buffers.put_back()
        two = torch.randn(3), random.random(), np.random.rand()
    assert torch.equal(one[0], two[0])
    assert one[1:] == two[1:]
    assert not norm.running_mean.any()


def test_weights_of_0_are_open_inside_and_the_same_bits_outside() -> None:
    net = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2))
    with torch.no_grad():
        net[1].weight.zero_().neg_()  # type: ignore[operator]
    waiting = (net[1].weight * 2).sum()  # type: ignore[operator]
    first = net[0].weight.detach().clone()
    with opened(net):
        assert bool(net[1].weight.any())  # type: ignore[operator]
        assert torch.equal(net[0].weight, first)
    assert bool(torch.signbit(net[1].weight).all())
    waiting.backward()
    assert torch.equal(net[1].weight.grad, torch.full((2, 3), 2.0))  # type: ignore[arg-type]
