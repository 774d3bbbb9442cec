"""Two views that are one are named however the network is given them; targets that equal inputs are not."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from healthy import sgd
from snellen.checks.training.same_views import SameViews
from snellen.training.health.observe import observe


def apart(a: Tensor, b: Tensor) -> Tensor:
    return F.mse_loss(a, b.roll(1, 0))


WAYS: dict[str, Callable[[Any, Any], Tensor]] = {
    "in two calls": lambda net, batch: apart(net(batch[0]), net(batch[1])),
    "joined": lambda net, batch: apart(*net(torch.cat([batch[0], batch[1]])).chunk(2)),
}
MEANT: dict[str, Callable[[Any, Any], Tensor]] = {
    "a target": lambda net, batch: F.mse_loss(net(batch[0]), batch[1]),
    "one of the two": lambda net, batch: apart(net(batch[0]), net(batch[0] + 1)),
}


def titles(loss: Callable[[Any, Any], Tensor], *, differ: bool = False) -> list[str]:
    torch.manual_seed(0)
    network = nn.Conv2d(3, 3, 1)
    x = torch.randn(4, 3, 5, 5)
    y = x.clone()
    y[0, 0, 0, 0] += differ
    return [f.title for f in SameViews()(observe(network, sgd(network.parameters()), [x, y], loss))]


@pytest.mark.parametrize("way", WAYS)
def test_equal_views_are_named_and_one_number_that_differs_is_enough(way: str) -> None:
    assert titles(WAYS[way]) == ["The two views are equal"]
    assert titles(WAYS[way], differ=True) == []


@pytest.mark.parametrize("way", MEANT)
def test_what_is_no_second_view_is_left_in_peace(way: str) -> None:
    assert titles(MEANT[way]) == []
