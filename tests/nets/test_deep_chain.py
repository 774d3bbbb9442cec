"""Plain and residual chains: the same weights, and nothing but the additions between them."""

import pytest
import torch
from torch import nn

from snellen._errors import UsageError
from snellen.nets.deep_chain import DeepChain


@pytest.mark.parametrize("norm", [False, True])
def test_the_connections_are_the_only_difference(norm: bool) -> None:
    plain, skip = (DeepChain(8, width=3, skip=skip, norm=norm, seed=2) for skip in (False, True))
    for (name, one), (other, two) in zip(plain.named_parameters(), skip.named_parameters(), strict=True):
        assert name == other
        assert torch.equal(one, two)
    x = torch.rand(4, 1, 8, 8)
    for net in (plain, skip):
        y = torch.relu(net.norm(net.first(x)))
        for pair in net.pairs:
            inner = torch.relu(pair.norm1(pair.conv1(y)))
            y = torch.relu(pair.norm2(pair.conv2(inner)) + (y if net is skip else 0))
        assert torch.equal(net(x), net.last(y.mean((2, 3))))


def test_layers_with_weights_are_counted() -> None:
    net = DeepChain(40, width=4, skip=True, norm=True)
    assert sum(isinstance(m, nn.Conv2d | nn.Linear) for m in net.modules()) == 40
    assert [m.bias is None for m in net.modules() if isinstance(m, nn.Conv2d)] == [True] * 39


def test_the_seed_makes_it() -> None:
    state = torch.get_rng_state()
    one, two, other = (DeepChain(4, width=2, skip=False, norm=False, seed=s).first.weight for s in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(one, two)
    assert not torch.equal(one, other)


@pytest.mark.parametrize("layers", [2, 7])
def test_layers_that_make_no_pairs(layers: int) -> None:
    with pytest.raises(UsageError, match=f"even and at least 4, got {layers}"):
        DeepChain(layers, width=2, skip=True, norm=False)
