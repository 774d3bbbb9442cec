"""Runs of linear layers: by what is a product of matrices, and what is not."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from snellen.training.health.linear_runs import LinearRun, linear_runs
from toys import Toy


def runs(network: nn.Module, data: Tensor) -> list[tuple[str, ...]]:
    return [run.names for run in linear_runs(network(data).sum(), dict(network.named_parameters()))]


def three(between: Callable[[Any, Tensor], Tensor]) -> nn.Module:
    layers = {name: nn.Linear(4, 4) for name in "abc"}
    return Toy(lambda m, x: m.c(between(m, m.b(between(m, m.a(x))))), **layers, norm=nn.BatchNorm1d(4))


THROUGH: dict[str, Callable[[Any, Tensor], Tensor]] = {
    "nothing": lambda _, x: x,
    "a normalisation of the batch": lambda m, x: m.norm(x),
    "a constant": lambda _, x: x + 1,
    "a bias": lambda m, x: x + m.norm.bias,
    "a view": lambda _, x: x.view(-1, 2).view(-1, 4),
}
ENDS: dict[str, Callable[[Any, Tensor], Tensor]] = {
    "ReLU": lambda _, x: x.relu(),
    "softmax": lambda _, x: x.softmax(1),
    "a layer norm": lambda _, x: F.layer_norm(x, (4,)),
    "a residual branch": lambda _, x: x + x.tanh(),
    "a gate": lambda _, x: x * (x.detach() > 0),
    "rows and columns": lambda _, x: x.T,
}


@pytest.mark.parametrize("way", THROUGH)
def test_a_run_goes_on_through(way: str) -> None:
    assert runs(three(THROUGH[way]), torch.randn(4, 4)) == [("a.weight", "b.weight", "c.weight")]


@pytest.mark.parametrize("way", ENDS)
def test_a_run_ends_at(way: str) -> None:
    assert runs(three(ENDS[way]), torch.randn(4, 4)) == []


def test_widths_are_told_for_filters_turned_filters_and_bare_matrices() -> None:
    network = Toy(
        lambda m, x: m.up(m.conv(x)).flatten(1) @ m.head.weight,
        conv=nn.Conv2d(3, 5, 3, padding=1),
        up=nn.ConvTranspose2d(5, 2, 1),
        head=nn.Linear(7, 32),
    )
    (run,) = linear_runs(network(torch.randn(2, 3, 4, 4)).sum(), dict(network.named_parameters()))
    assert run == LinearRun(("conv.weight", "up.weight", "head.weight"), ((3, 5), (5, 2), (32, 7)), whole=True)
    assert run.wide == (True, False)


def test_a_layer_used_twice_and_filters_in_groups_are_in_no_run() -> None:
    twice = Toy(lambda m, x: m.a(m.a(m.b(x))), a=nn.Linear(4, 4), b=nn.Linear(4, 4))
    assert runs(twice, torch.randn(2, 4)) == []
    depthwise = nn.Sequential(nn.Conv2d(4, 4, 3, groups=4), nn.Conv2d(4, 8, 1))
    assert runs(depthwise, torch.randn(2, 4, 5, 5)) == []


def test_a_value_that_something_else_reads_too_is_no_middle_of_a_run() -> None:
    network = Toy(
        lambda m, x: m.c(m.b(y := m.a(x))) + y.relu(), a=nn.Linear(4, 4), b=nn.Linear(4, 4), c=nn.Linear(4, 4)
    )
    assert runs(network, torch.randn(2, 4)) == [("b.weight", "c.weight")]


def test_whole_is_said_only_where_no_other_weight_is() -> None:
    network = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))
    (run,) = linear_runs(network(torch.randn(2, 4)).sum(), dict(network.named_parameters()))
    assert (run.names, run.whole) == (("0.weight", "1.weight"), False)
    assert linear_runs(torch.ones(()), {}) == ()
