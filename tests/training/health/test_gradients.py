"""A gradient in one word and two numbers; rows that can never differ."""

import math

import pytest
import torch
from torch import nn

from snellen.training.health.gradients import alike, read_gradient


def with_grad(grad: torch.Tensor | None, shape: tuple[int, ...] = (2,)) -> torch.Tensor:
    parameter = torch.ones(shape, requires_grad=True)
    parameter.grad = grad
    return parameter


def test_the_four_states() -> None:
    assert read_gradient(with_grad(None)) == ("none", 0.0, 0.0)
    assert read_gradient(with_grad(torch.zeros(2))) == ("zero", 0.0, 0.0)
    assert read_gradient(with_grad(torch.zeros(0), (0,))) == ("zero", 0.0, 0.0)
    assert read_gradient(with_grad(torch.tensor([3.0, -4.0]))) == ("finite", 5.0, 4.0)
    for bad in (math.nan, math.inf):
        assert read_gradient(with_grad(torch.tensor([1.0, bad])))[0] == "not finite"


def test_a_sparse_gradient_is_summed_before_it_is_read() -> None:
    table = nn.Embedding(4, 1, sparse=True)
    table(torch.tensor([2, 2, 1])).sum().backward()
    assert read_gradient(table.weight) == ("finite", pytest.approx(5**0.5), 2.0)


def test_rows_that_are_the_same_and_learn_the_same_stay_the_same() -> None:
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    for constant, wanted in ((True, True), (False, False)):
        if constant:
            for parameter in net.parameters():
                nn.init.constant_(parameter, 0.5)
        else:
            nn.init.constant_(net[0].weight, 0.5)
            nn.init.normal_(net[2].weight, generator=torch.Generator().manual_seed(0))
        net.zero_grad()
        nn.functional.cross_entropy(net(torch.ones(5, 3)), torch.zeros(5).long()).backward()
        assert alike(net[0].weight) is wanted
    assert not alike(with_grad(None, (2, 2)))
    assert not alike(with_grad(torch.ones(2)))
