"""Networks without numbers: where they live, what is spared, and what cannot be had so."""

import pytest
import torch
from torch import nn

from snellen._errors import UsageError
from snellen.nets.vgg import vgg
from snellen.subject.load.outline import outlined, without_numbers
from snellen.subject.network import Network


def test_shapes_are_those_of_the_real_one_and_nothing_is_drawn() -> None:
    state = torch.get_rng_state()
    with without_numbers():
        net = vgg(11, classes=7)
    assert all(t.is_meta for t in net.parameters())
    assert sum(p.numel() for p in net.parameters()) == 132_863_336 - 993 * 4097
    assert torch.equal(torch.get_rng_state(), state)
    assert not nn.Linear(2, 2).weight.is_meta


def test_code_that_looks_at_its_weights_gets_real_ones() -> None:
    def load() -> Network:
        layer = nn.Linear(2, 2)
        return Network(nn.Sequential(layer, nn.Linear(2, 2 + int(layer.weight.abs().sum() >= 0))))

    assert [tuple(p.shape) for p in outlined(load).module.parameters()][2:] == [(3, 2), (3,)]


def test_half_an_outline_is_none() -> None:
    kept = nn.Linear(2, 2)
    network = outlined(lambda: Network(nn.Sequential(kept, nn.Linear(2, 2))))
    assert not any(p.is_meta for p in network.module.parameters())


def test_a_wrong_call_is_not_tried_twice() -> None:
    calls = []

    def load() -> Network:
        calls.append(1)
        raise UsageError("no such network")

    with pytest.raises(UsageError, match="no such network"):
        outlined(load)
    assert calls == [1]
