"""The effective field against closed forms."""

import pytest
import torch
from torch import nn

from snellen._errors import NotApplicable
from snellen.instruments.architecture.effective_field import effective_field
from snellen.subject.network import Network
from untouched import untouched


def means(depth: int) -> nn.Sequential:
    layers = [nn.Conv2d(1, 1, 3, padding=1, bias=False) for _ in range(depth)]
    for layer in layers:
        nn.init.constant_(layer.weight, 1 / 9)
    return nn.Sequential(*layers)


def test_means_of_means_fall_off_as_binomials_do() -> None:
    field = effective_field(Network(means(2), std=(0.5,)), "1", (4, 4), torch.rand(2, 1, 9, 9))
    line = torch.tensor([0, 0, 1, 2, 3, 2, 1, 0, 0]) / 9
    assert torch.allclose(field, 2 * line[:, None] * line.expand(2, 1, 9), atol=1e-6)


def test_a_layer_in_the_middle_is_meant_and_its_second_call() -> None:
    (conv,) = means(1)
    net = nn.Sequential(conv, conv, nn.Flatten(), nn.Linear(81, 2))
    sizes = [
        int((effective_field(Network(net), "0", (4, 4), torch.rand(1, 1, 9, 9), number=n) > 0).sum()) for n in (1, 2)
    ]
    assert sizes == [9, 25]


def test_the_network_is_left_as_it_was() -> None:
    net = nn.Sequential(nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2), nn.ReLU(inplace=True)).train()
    pixels = torch.rand(1, 3, 5, 5)
    with untouched(net):
        assert effective_field(Network(net), "1", (0, 0), pixels).shape == (1, 5, 5)


def test_a_layer_without_rows_is_refused() -> None:
    with pytest.raises(NotApplicable, match="Choose an earlier layer"):
        effective_field(Network(nn.Sequential(nn.Flatten(), nn.Linear(9, 2))), "1", (0, 0), torch.rand(1, 1, 3, 3))
