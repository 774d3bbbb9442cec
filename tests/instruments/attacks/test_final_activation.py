"""Finding the activation that ends a network."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from snellen.instruments.attacks._final_activation import watching

SCORES = torch.tensor([[1.0, 40.0, -3.0], [-200.0, 5.0, 7.0]])

ENDS: list[tuple[str, Callable[[Tensor], Tensor]]] = [
    ("tanh", nn.Tanh()),
    ("tanh", torch.tanh),
    ("tanh", lambda z: z.tanh()),
    ("tanh", lambda z: 30 * z.tanh()),
    ("tanh", lambda z: (z.tanh() + 1) / 2),
    ("tanh", lambda z: z.clone().tanh_()),
    ("sigmoid", nn.Sigmoid()),
    ("sigmoid", lambda z: torch.sigmoid(z).view(-1).reshape(2, 3)),
    ("softmax", nn.Softmax(dim=1)),
    ("softmax", lambda z: F.softmax(z, dim=1).log()),
    ("log_softmax", nn.LogSoftmax(dim=1)),
    ("hardtanh", nn.Hardtanh()),
    ("hardtanh", lambda z: F.hardtanh(z.clone(), inplace=True)),
    ("hardsigmoid", nn.Hardsigmoid()),
    ("clamp", lambda z: z.clamp(-1, 1)),
    ("softmax", lambda z: F.softmax(z.tanh(), dim=1)),
]


@pytest.mark.parametrize(("name", "end"), ENDS, ids=[f"{i} {name}" for i, (name, _) in enumerate(ENDS)])
def test_the_scores_before_it_are_found(name: str, end: Callable[[Tensor], Tensor]) -> None:
    leaf = SCORES.clone().requires_grad_()
    with watching() as seen:
        output = end(leaf * 1)
    found = seen.before(output)
    assert found is not None
    assert found[0] == name
    assert torch.equal(found[1], SCORES)
    (slope,) = torch.autograd.grad(found[1].sum(), leaf)
    assert torch.equal(slope, torch.ones_like(SCORES)), "its slope is that of the scores, not of the activation"


@pytest.mark.parametrize(
    "end",
    [
        lambda z: z,
        lambda z: -z.tanh(),
        lambda z: -2 * z.sigmoid(),
        lambda z: 1 - z.sigmoid(),
        lambda z: z.tanh() * torch.tensor([1.0, 2.0, 3.0]),
        lambda z: F.linear(z.tanh(), torch.eye(3)),
        lambda z: z * z.sigmoid(),
        lambda z: z.tanh()[:, :2],
    ],
)
def test_what_is_no_end_or_changes_the_order_is_not_gone_through(end: Callable[[Tensor], Tensor]) -> None:
    with watching() as seen:
        output = end(SCORES.clone())
    assert seen.before(output) is None
