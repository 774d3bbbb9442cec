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


class Runner:
    """No module, and it runs two."""

    def __init__(self, layers: list[nn.Module]) -> None:
        self.layers = layers

    def __call__(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


def test_objects_closures_and_plain_tensors_are_looked_into() -> None:
    network = Holds()
    parts = {"tower": nn.Linear(2, 2)}
    network.runner = Runner([nn.Linear(2, 2)])  # type: ignore[assignment]
    network.tower = lambda x: parts["tower"](x)
    network.place = torch.zeros(3, requires_grad=True)  # type: ignore[assignment]
    network.table = torch.zeros(3)  # type: ignore[assignment]
    network.result = network.seen(torch.ones(1, 2))
    found = parameters_of(network)
    held = network.runner.layers[0]  # type: ignore[union-attr]
    assert found["runner.layers[0].weight"] is held.weight  # type: ignore[union-attr]
    assert found["tower.parts['tower'].bias"] is parts["tower"].bias
    assert found["place"] is network.place  # type: ignore[comparison-overlap]
    assert len(found) == len(parameters_of(Holds())) + 5


def test_what_the_network_does_not_hold_is_not_looked_into() -> None:
    """Optimizers, hooks, and objects within objects."""
    network, other = Holds(), nn.Linear(2, 2)
    network.optimizer = torch.optim.SGD(other.parameters(), lr=0.1)  # type: ignore[assignment]
    network.register_forward_hook(lambda *_: other(torch.ones(1, 2)))
    network.trainer = Runner([])  # type: ignore[assignment]
    network.trainer.owner = Runner([other])  # type: ignore[union-attr]
    assert list(parameters_of(network)) == list(parameters_of(Holds()))
