"""Blocks that a loop leaves out are named; heads by turns, experts and blocks that are dropped at random are not."""

from typing import Any

import torch
from torch import Tensor, nn

from healthy import CE, images, sgd
from snellen.checks.training.never_ran import NeverRan
from snellen.training.health.observe import observe


class Net(nn.Module):
    def __init__(self, way: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.way, self.stem = way, nn.Linear(432, 12)
        self.blocks = nn.ModuleList(nn.Sequential(nn.Linear(12, 12), nn.ReLU(), nn.Linear(12, 12)) for _ in range(3))
        self.gate, self.heads = nn.Linear(12, 3), nn.ModuleList(nn.Linear(12, 4) for _ in range(2))

    def forward(self, x: Tensor) -> Any:
        y = self.stem(x.flatten(1)).relu()
        if self.way == "all":
            y = self.blocks[2](self.blocks[1](self.blocks[0](y)))
        elif self.way == "indented":
            y = self.blocks[0](y)
        elif self.way == "dropped":
            y = self.blocks[int(torch.randint(3, ()))](y)
        elif self.way == "experts":
            y = self.blocks[int(self.gate(y).sum(0).argmax())](y)
        return self.heads[0](y)


def asked(way: str) -> list[str]:
    network = Net(way)
    return [f.title for f in NeverRan()(observe(network, sgd(network.parameters()), images(), CE))]


def test_blocks_behind_a_return_in_the_loop() -> None:
    assert asked("indented") == ["Never ran: blocks.1 and blocks.2"]


def test_others_are_left_in_peace() -> None:
    assert [asked(way) for way in ("all", "dropped", "experts")] == [[], [], []]
