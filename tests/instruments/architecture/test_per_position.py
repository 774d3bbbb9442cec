"""A convolution with a kernel of one is a linear layer at every position, in both directions."""

import pytest
import torch
from torch import nn

from snellen._errors import UsageError
from snellen.instruments.architecture.per_position import as_convolution, as_linear


@pytest.mark.parametrize("bias", [True, False])
def test_both_ways(bias: bool) -> None:
    linear = nn.Linear(5, 3, bias=bias).double().eval()
    conv = as_convolution(linear)
    x = torch.randn(4, 5, 7, dtype=torch.float64)
    by_position = torch.stack([linear(x[:, :, i]) for i in range(7)], 2)
    assert torch.allclose(conv(x), by_position, atol=1e-12)
    back = as_linear(conv)
    assert torch.equal(back.weight, linear.weight)
    assert (back.bias is None) == (not bias)
    assert not conv.training
    assert not back.training
    with torch.no_grad():
        conv.weight.zero_()
    assert linear.weight.any()


@pytest.mark.parametrize(
    "conv",
    [nn.Conv1d(2, 2, 3), nn.Conv1d(2, 2, 1, stride=2), nn.Conv1d(2, 2, 1, padding=1), nn.Conv1d(2, 2, 1, groups=2)],
)
def test_what_is_more_than_a_linear_layer(conv: nn.Conv1d) -> None:
    with pytest.raises(UsageError, match="only a Conv1d with kernel 1"):
        as_linear(conv)
