"""The remedies are tried fairly: the same start, the same batches, the same steps."""

import torch
from torch import nn, optim

from healthy import CE
from snellen.training.health.facts import Asked
from snellen.training.health.observe import observe
from snellen.training.health.remedy_trial import try_remedies
from untouched import untouched


def test_training_the_forgotten_layer_helps_where_it_must() -> None:
    """The class is in the product of two inputs: a random layer of two units rarely holds it, a trained one does."""
    torch.manual_seed(3)
    x = 4 * torch.randn(256, 2)
    y = (x[:, 0] * x[:, 1] > 0).long()
    network = nn.Sequential(nn.Linear(2, 24), nn.ReLU(), nn.Linear(24, 2))
    optimizer = optim.Adam(network[2].parameters(), lr=0.02)
    splits = {"train": [(x[:128], y[:128])], "test": [(x[128:], y[128:])]}
    seen = observe(network, optimizer, (x, y), CE, asked=Asked(splits=splits))
    early = ["0.weight", "0.bias"]
    with untouched(network):
        as_is, trained, pretrained = try_remedies(seen, early, early, steps=150)
    assert as_is.first == trained.first
    assert trained.last < as_is.last
    assert trained.held_out is not None
    assert as_is.held_out is not None
    assert trained.accuracy == 1.0
    assert as_is.accuracy is not None
    assert as_is.accuracy < 1.0
    assert pretrained.steps == 150
    assert len(optimizer.param_groups) == 1


def test_frozen_layers_that_the_optimizer_holds_can_be_released() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 3))
    network[0].requires_grad_(False)
    seen = observe(network, optim.SGD(network.parameters(), lr=0.1), (torch.randn(8, 8), torch.arange(8) % 3), CE)
    names = ["0.weight", "0.bias"]
    assert len(try_remedies(seen, names, names, steps=3)) == 3
    assert not network[0].weight.requires_grad
