"""A loss times 0 is named where it leaves layers untrained, and only there."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from healthy import images, sgd
from snellen.checks.training.zero_weight import ZeroWeight
from snellen.findings.finding import Finding
from snellen.training.health.observe import observe
from toys import Toy


def asked(weight: Any, *, alone: bool = True, sum_only: bool = False) -> list[Finding]:
    """Two heads on one feature; the second is trained by its own term alone, or by the first too."""
    torch.manual_seed(0)
    network = Toy(
        lambda m, x: (m.one(y := m.body(x).relu().mean((2, 3))), m.two(y)),
        body=nn.Conv2d(3, 6, 3),
        one=nn.Linear(6, 4),
        two=nn.Linear(6, 4),
    )

    def loss(net: Any, batch: Any) -> Tensor:
        one, two = net(batch[0])
        other = two.sum() if sum_only else F.cross_entropy(two, batch[1])
        return F.cross_entropy(one if alone else one + two, batch[1]) + weight * other

    return list(ZeroWeight()(observe(network, sgd(network.parameters()), images(), loss)))


def test_a_head_that_is_trained_by_nothing_is_named() -> None:
    (found,) = asked(0.0)
    assert (found.severity, found.title) == ("warning", "A term of the loss weighs 0")
    assert "trains two: the gradient of 2 tensors" in found.sentence


@pytest.mark.parametrize("case", [{"weight": 0.3}, {"weight": 0.0, "alone": False}, {"weight": 0, "sum_only": True}])
def test_other_terms_are_left_in_peace(case: dict[str, Any]) -> None:
    assert asked(**case) == []
