"""The names are those of PyTorch's own operators: a misspelt one would never be seen."""

import pytest
import torch

from snellen.training.health import operations
from snellen.training.health.operations import (
    APPLIES,
    CHOICES,
    CLAMPS,
    DRAWS,
    FLOORED,
    PASSES_ON,
    RANDOM,
    RELU,
    ROUNDS,
    SQUASH,
)

GROUPS = (APPLIES, CHOICES, CLAMPS, DRAWS, FLOORED, PASSES_ON, RANDOM, RELU, ROUNDS, SQUASH)


@pytest.mark.parametrize("name", sorted({name for group in GROUPS for name in group}))
def test_every_name_is_an_operator(name: str) -> None:
    assert hasattr(torch.ops.aten, name)


def test_a_softmax_of_a_softmax_is_named_by_its_parts() -> None:
    assert all(hasattr(torch.ops.aten, part) for part in operations.TWICE.split(" of "))
