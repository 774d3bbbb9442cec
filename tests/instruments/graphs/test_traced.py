"""The graph of a network is the one that its forward says."""

import torch
from torch import Tensor, nn

from snellen.instruments.architecture.wiring import wiring
from snellen.instruments.graphs.chain_rule import chain_rule
from snellen.instruments.graphs.structure import structure
from snellen.instruments.graphs.traced import traced


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.act = nn.Conv2d(2, 2, 3, padding=1), nn.Conv2d(2, 2, 1), nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        y = self.act(self.one(x))
        return self.act(self.two(y) + x) + x


class Two(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = Block(), Block()

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x))


def test_skips_are_paths() -> None:
    graph = traced(wiring(Two(), (2, 6, 6)))
    assert graph.children["input"] == ("first.one", "first.add", "first.add:2")
    found = structure(graph)
    assert (found.inputs, found.outputs, found.recurrent) == (("input",), ("second.add:2",), False)
    assert found.paths == 9, "three ways through each block"
    rule = chain_rule(graph, "second.add:2", "input")
    assert rule.expression.partials == len(graph.weights)
    assert rule.multiplications < rule.expanded_multiplications


def test_the_network_is_left_as_it_was() -> None:
    net = Two().train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    traced(wiring(net, (2, 6, 6)))
    assert net.training
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
