"""Every verdict has a minimal set-up that leads to it."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn, optim

from healthy import CE
from snellen.training.health.observe import observe
from snellen.training.health.verdicts import ORDER, verdicts
from toys import Toy

BATCH = torch.randn(16, 20), torch.arange(16) % 3


def net(run: Callable[[Any, Tensor], Tensor] = lambda m, x: m.head(m.body(x))) -> Toy:
    return Toy(run, body=nn.Linear(20, 12), head=nn.Linear(12, 3))


def changed(network: nn.Module) -> nn.Module:
    """As if it had been trained before."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return network


def sgd(parameters: Any, lr: float = 0.1) -> optim.Optimizer:
    return optim.SGD(parameters, lr=lr)


class Still(optim.SGD):
    def step(self, closure: Any = None) -> Any:
        self.param_groups[0]["params"][0].grad = None
        return super().step(closure)


def cases() -> dict[str, tuple[nn.Module, optim.Optimizer]]:
    torch.manual_seed(0)
    made: dict[str, tuple[nn.Module, optim.Optimizer]] = {}
    one = net()
    made["trained"] = one, sgd(one.parameters())
    one = net()
    made["forgotten random"] = one, sgd(one.head.parameters())
    one = net()
    changed(one.body)
    made["frozen on purpose"] = one, sgd(one.head.parameters())
    one = net(lambda m, x: m.head(m.body(x).detach()))
    made["graph cut"] = one, sgd(one.parameters())
    one = net(lambda m, x: m.head(x[:, :12]))
    made["no path to the loss"] = one, sgd(one.parameters())
    one = net(lambda m, x: m.head(m.body(x) * 0))
    made["zero gradient"] = one, sgd(one.parameters())
    one = net()
    made["stepped but unchanged"] = one, Still(one.parameters(), lr=0.1)
    one = net()
    groups = [{"params": one.body.parameters(), "lr": 0.0}, {"params": one.head.parameters()}]
    made["learning rate 0"] = one, sgd(groups)
    return made


@pytest.mark.parametrize("wanted", ORDER)
def test_each_verdict(wanted: str) -> None:
    network, optimizer = cases()[wanted]
    found = verdicts(observe(network, optimizer, BATCH, CE))
    assert found["body.weight"] == wanted
    assert found["head.bias"] == "trained"


def test_the_verdict_does_not_depend_on_requires_grad_for_random_layers_in_front() -> None:
    torch.manual_seed(0)
    for flag in (True, False):
        one = net()
        one.body.requires_grad_(flag)
        found = verdicts(observe(one, sgd(one.head.parameters()), BATCH, CE))
        assert found["body.weight"] == found["body.bias"] == "forgotten random"


def test_a_frozen_random_layer_behind_is_frozen_on_purpose() -> None:
    """A random target or a fixed classifier: nothing trained looks through it."""
    torch.manual_seed(0)
    one = net()
    one.head.requires_grad_(False)
    assert verdicts(observe(one, sgd(one.body.parameters()), BATCH, CE))["head.weight"] == "frozen on purpose"
