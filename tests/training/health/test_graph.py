"""The graph of a loss: every node once, and the parameters behind it."""

from typing import Any

import torch
from torch import Tensor, nn

from snellen.training.health.graph import inputs, kind, names_below, nodes, parameter_of


def test_every_node_is_visited_once_however_many_ways_lead_to_it() -> None:
    weight = torch.ones(2, requires_grad=True)
    twice = weight * 2
    kinds = [kind(node) for node in nodes((twice + twice.relu()).sum().grad_fn)]
    assert sorted(kinds) == sorted(["Sum", "Add", "Relu", "Mul", "torch::autograd::AccumulateGrad"])


def test_a_weight_is_known_through_its_transposition_and_not_through_a_product() -> None:
    layer = nn.Linear(3, 2)
    names = {id(layer.weight): "weight", id(layer.bias): "bias"}
    node = layer(torch.ones(4, 3)).grad_fn
    found = [parameter_of(before, names) for before in inputs(node)]
    assert [f and (f[0], f[2]) for f in found] == [("bias", 0), None, ("weight", 1)]
    assert parameter_of((layer.weight * 2).grad_fn, names) is None


class Relu(torch.autograd.Function):
    """Of the user's own, by a name that PyTorch has too."""

    @staticmethod
    def forward(_ctx: Any, x: Tensor) -> Tensor:
        return x * 2

    @staticmethod
    def backward(_ctx: Any, slope: Tensor) -> Tensor:
        return slope * 2


def test_a_function_of_the_users_own_is_no_operation_that_is_known() -> None:
    x = torch.ones(2, requires_grad=True)
    assert (kind(x.relu().grad_fn), kind(Relu.apply(x).grad_fn)) == ("Relu", "ReluBackward")


def test_the_names_below_are_those_that_get_a_gradient() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 2))
    network[0].bias.requires_grad_(False)
    names = {id(p): n for n, p in network.named_parameters()}
    loss = network(torch.randn(4, 3)).sum()
    below = names_below(loss.grad_fn, names)
    loss.backward()
    assert (
        below == {n for n, p in network.named_parameters() if p.grad is not None} == {"0.weight", "2.weight", "2.bias"}
    )
