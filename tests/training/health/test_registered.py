"""Modules and parameters that PyTorch does not see are found, once each, by a path that leads to them."""

import torch
from torch import Tensor, nn

from snellen.training.health.registered import modules_of, parameters_of


class Holds(nn.Module):
    """One registered layer, and others in a list, a nested list, a dict and a tuple; one of them twice."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = nn.Linear(2, 2)
        self.blocks = [nn.Sequential(nn.Linear(2, 3), nn.ReLU()), [nn.Linear(3, 2)]]
        self.named = {"gain": nn.Parameter(torch.ones(2)), "again": self.seen}
        self.others = (self.blocks[0],)

    def forward(self, x: Tensor) -> Tensor:
        return x


def test_every_parameter_is_found_once_and_its_path_leads_to_it() -> None:
    network = Holds()
    found = parameters_of(network)
    assert list(found) == [
        "seen.weight",
        "seen.bias",
        "named['gain']",
        "blocks[0].0.weight",
        "blocks[0].0.bias",
        "blocks[1][0].weight",
        "blocks[1][0].bias",
    ]
    assert len({id(p) for p in found.values()}) == len(found)
    assert found["blocks[1][0].weight"] is network.blocks[1][0].weight  # type: ignore[index]
    assert list(modules_of(network)) == ["", "seen", "blocks[0]", "blocks[0].0", "blocks[0].1", "blocks[1][0]"]


def test_a_registered_network_is_as_pytorch_says() -> None:
    network = nn.Sequential(nn.LSTM(3, 4, num_layers=2), nn.TransformerEncoderLayer(8, 2), nn.ModuleList([nn.ReLU()]))
    assert {n: id(p) for n, p in parameters_of(network).items()} == {n: id(p) for n, p in network.named_parameters()}
    assert {n: id(m) for n, m in modules_of(network).items()} == {n: id(m) for n, m in network.named_modules()}


def test_a_module_that_holds_itself_ends() -> None:
    network = nn.Linear(2, 2)
    network.me = [network, [network]]  # type: ignore[assignment]
    assert list(parameters_of(network)) == ["weight", "bias"]
