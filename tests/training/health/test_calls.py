"""Every call of a loss and of a module is noted, whatever it was called through."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from snellen.training.health.calls import Calls, Losses

X, Y = torch.randn(6, 3), torch.arange(6) % 3
WAYS: list[Callable[[], Tensor]] = [
    lambda: nn.CrossEntropyLoss()(X, Y),
    lambda: F.cross_entropy(X, Y),
    lambda: F.cross_entropy(target=Y, input=X, reduction="sum"),
]


@pytest.mark.parametrize("way", WAYS)
def test_a_loss_is_noted_with_its_input_and_target(way: Callable[[], Tensor]) -> None:
    losses = Losses(lambda _: "maker")
    with losses:
        way()
    (call,) = losses.found
    assert (call.name, call.origin) == ("cross_entropy", "maker")
    assert torch.equal(call.input, X)
    assert torch.equal(call.target, Y)


def test_other_functions_are_none() -> None:
    losses = Losses(lambda _: "")
    with losses:
        F.relu(X).sum()
    assert losses.found == []


def test_modules_are_noted_in_the_mode_they_ran_in() -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout())
    network[2].eval()
    calls = Calls({id(m): n for n, m in network.named_modules()})
    with calls.watched():
        network(X)
        network(X)
    assert [(c.name, c.training, c.calls) for c in calls.ran.values()] == [
        ("", True, 2),
        ("0", True, 2),
        ("1", True, 2),
        ("2", False, 2),
    ]
    assert calls.where() == ""
    network(X)
    assert calls.ran[id(network)].calls == 2


def test_the_distance_from_the_statistics_is_in_their_deviations() -> None:
    norm = nn.BatchNorm1d(2, eps=1e-9)
    norm.running_mean, norm.running_var = torch.tensor([0.0, 0.0]), torch.tensor([4.0, 4.0])
    calls = Calls({id(norm): "norm"})
    x = torch.tensor([[4.0, 4.0], [8.0, 8.0]])  # mean 6, deviation 2: 3 deviations away, of the same width
    with calls.watched():
        norm(x)
    assert calls.ran[id(norm)].drift == pytest.approx(3.0)
    assert calls.ran[id(norm)].values == 2
