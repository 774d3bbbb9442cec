"""Gradients by depth against a chain whose gradients are known."""

import pytest
import torch
from torch import nn

from snellen._errors import NetworkError, NotApplicable
from snellen.instruments.architecture.gradient_depth import gradient_depth
from snellen.subject.network import Network
from toys import Toy
from untouched import untouched


def chain(depth: int, factor: float) -> nn.Sequential:
    layers = [nn.Linear(6, 6, bias=False) for _ in range(depth)]
    for layer in layers:
        nn.init.eye_(layer.weight).data.mul_(factor)
    return nn.Sequential(*layers)


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0])
def test_a_chain_of_multiples_multiplies_the_gradient(factor: float) -> None:
    sizes = gradient_depth(Network(chain(5, factor)), (6,))
    assert [name for name, _ in sizes] == list("01234")
    assert sizes[0][1] / sizes[-1][1] == pytest.approx(factor**4)


def test_a_skip_adds_the_identity() -> None:
    net = Toy(lambda n, x: n.b(n.a(x)) + n.a(x), a=nn.Linear(6, 6), b=nn.Linear(6, 6))
    assert [name for name, _ in gradient_depth(Network(net), (6,))] == ["a", "b", "a"]


def test_operations_in_place_do_not_write_into_what_is_measured() -> None:
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(8, 2))
    assert len(gradient_depth(Network(net), (1, 4, 4))) == 2


def test_the_network_is_left_as_it_was() -> None:
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Conv2d(2, 2, 1)).train()
    with untouched(net):
        gradient_depth(Network(net), (1, 4, 4))


def test_what_has_no_depth_is_refused() -> None:
    with pytest.raises(NotApplicable, match="at least two layers"):
        gradient_depth(Network(nn.Linear(2, 2)), (2,))
    cut = Toy(lambda n, x: n.b(n.a(x).detach()), a=nn.Linear(2, 2), b=nn.Linear(2, 2))
    with pytest.raises(NotApplicable, match="no gradient comes back"):
        gradient_depth(Network(cut), (2,))
    with pytest.raises(NetworkError, match="raised on noise"):
        gradient_depth(Network(chain(2, 1.0)), (5,))
    assert torch.is_grad_enabled()
