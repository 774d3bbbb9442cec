"""Terms times 0: found by their graph, and those whose gradient is 0 for another reason are not."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from snellen.training.health.silenced import silenced

A, B = (torch.ones(3, 2, requires_grad=True) for _ in range(2))
Y = torch.tensor([0, 1, 0])
TERMS: dict[str, tuple[Callable[[], Tensor], list[set[str]]]] = {
    "0 before": (lambda: F.mse_loss(A, A.detach() + 1) + 0.0 * F.cross_entropy(B, Y), [{"b"}]),
    "0 behind": (lambda: F.cross_entropy(B, Y) * 0 + F.cross_entropy(A, Y), [{"b"}]),
    "0 as a tensor": (lambda: torch.zeros(()) * F.cross_entropy(B, Y) + F.cross_entropy(A, Y), [{"b"}]),
    "in a mean of both": (lambda: torch.stack([F.cross_entropy(A, Y), 0 * F.cross_entropy(B, Y)]).mean(), [{"b"}]),
    "a small weight": (lambda: F.cross_entropy(A, Y) + 1e-9 * F.cross_entropy(B, Y), []),
    "a sum that keeps processes in step": (lambda: F.cross_entropy(A, Y) + 0 * B.sum(), []),
    "a mask": (lambda: F.cross_entropy(A + 0 * B, Y), []),
}


@pytest.mark.parametrize("name", TERMS)
def test_a_term_times_0_is_found_with_its_parameters(name: str) -> None:
    make, wanted = TERMS[name]
    value = make()
    found = silenced(value, {"a": A, "b": B})
    assert [set(term.parameters) for term in found] == wanted
    if wanted:
        assert not bool(torch.autograd.grad(value, B)[0].any())
