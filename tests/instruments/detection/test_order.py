"""The order of scores is that of a stable sort."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from snellen.instruments.detection._order import descending

WIDTHS = {torch.float16: 16, torch.bfloat16: 16, torch.float32: 32, torch.float64: 64}


def slow(scores: Tensor) -> list[int]:
    """By Python's sort, which is stable."""
    return sorted(range(len(scores)), key=lambda i: -float(scores[i]))


@given(st.lists(st.floats(width=32, allow_nan=False), max_size=60), st.sampled_from(list(WIDTHS)))
def test_it_is_that_of_a_stable_sort(values: list[float], dtype: torch.dtype) -> None:
    scores = torch.tensor([*values, *values[::2]], dtype=dtype)
    assert descending(scores).tolist() == slow(scores)


@pytest.mark.parametrize("dtype", [torch.float32, torch.int64])
def test_many_ties_keep_their_order(dtype: torch.dtype) -> None:
    scores = torch.randint(-3, 4, (20_000,), generator=torch.Generator().manual_seed(0)).to(dtype)
    assert descending(scores).tolist() == slow(scores)


def test_zeros_of_either_sign_are_equal_and_strides_do_not_matter() -> None:
    scores = torch.tensor([[-0.0, 9.0], [0.0, 9.0], [1e-45, 9.0], [-1e-45, 9.0], [torch.inf, 9.0]])[:, 0]
    assert descending(scores.requires_grad_()).tolist() == [4, 2, 0, 1, 3]
