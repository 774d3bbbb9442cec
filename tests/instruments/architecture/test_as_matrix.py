"""A convolution as a matrix: pushed basis vectors, equal outputs, and the counts by hand."""

from typing import Any

import pytest
import torch
from torch import nn

from snellen._errors import UsageError
from snellen.instruments.architecture.as_matrix import as_matrix

CONVOLUTIONS: dict[str, tuple[nn.Module, tuple[int, ...]]] = {
    "1d": (nn.Conv1d(2, 3, 3), (2, 7)),
    "1d, stride, padding, dilation": (nn.Conv1d(2, 4, 3, stride=2, padding=3, dilation=2), (2, 9)),
    "1d, same, even kernel": (nn.Conv1d(1, 2, 4, padding="same", dilation=3), (1, 10)),
    "2d": (nn.Conv2d(2, 3, (3, 2), stride=(1, 2), padding=(2, 1), dilation=(2, 1)), (2, 6, 5)),
    "2d, groups": (nn.Conv2d(4, 6, 3, groups=2, bias=False), (4, 5, 4)),
    "2d, depthwise": (nn.Conv2d(3, 3, 3, groups=3, padding="same"), (3, 4, 4)),
    "2d, valid": (nn.Conv2d(1, 1, 2, padding="valid"), (1, 3, 3)),
    "2d, circular": (nn.Conv2d(1, 2, 3, padding=1, padding_mode="circular"), (1, 2, 3)),
    "2d, reflect": (nn.Conv2d(2, 2, 3, padding=2, stride=2, padding_mode="reflect"), (2, 4, 5)),
    "1d, replicate": (nn.Conv1d(2, 2, 5, padding=2, padding_mode="replicate"), (2, 3)),
    "3d": (nn.Conv3d(1, 2, 2, padding=1), (1, 2, 3, 2)),
}


pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_it_is_what_the_convolution_does_to_every_basis_vector(name: str) -> None:
    conv, shape = CONVOLUTIONS[name]
    found = as_matrix(conv, shape)  # type: ignore[arg-type]
    size = found.matrix.shape[1]
    basis = torch.eye(size).view(size, *shape)
    pushed = (conv(basis) - conv(torch.zeros(1, *shape))).flatten(1).T
    assert torch.allclose(found.matrix.to_dense(), pushed, atol=1e-6)
    x = torch.randn(3, *shape)
    assert torch.allclose(found.linear()(x.flatten(1)), conv(x).flatten(1), atol=1e-5)
    assert found.output_shape == tuple(conv(x).shape[1:])


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_weights_are_shared_as_often_as_the_gradient_of_the_sum_says(name: str) -> None:
    conv, shape = CONVOLUTIONS[name]
    found = as_matrix(conv, shape)  # type: ignore[arg-type]
    ones = torch.ones(1, *shape)
    weight: Any = conv.weight
    (slope,) = torch.autograd.grad(conv(ones).sum(), weight)
    assert found.uses.tolist() == slope.flatten().round().long().tolist()
    assert found.weights == weight.numel()


def test_the_counts_of_a_small_one_by_hand() -> None:
    found = as_matrix(nn.Conv1d(1, 1, 3, padding=1), (1, 5))
    assert (found.entries, found.connections, found.weights) == (25, 13, 3)
    assert found.uses.tolist() == [4, 5, 4]
    assert found.density == 13 / 25
    wide = as_matrix(nn.Conv2d(2, 3, 3, padding=1), (2, 8, 8))
    assert wide.entries == 128 * 192
    assert wide.connections == 2 * 3 * (3 * 8 - 2) ** 2


def test_a_weight_of_zero_is_a_connection() -> None:
    conv = nn.Conv1d(1, 1, 3)
    nn.init.zeros_(conv.weight)
    assert as_matrix(conv, (1, 5)).connections == 9


@pytest.mark.parametrize(
    ("conv", "shape", "words"),
    [
        (nn.Conv1d(2, 3, 3), (3, 7), r"must be \(2, width\), got \(3, 7\)"),
        (nn.Conv2d(2, 3, 3), (2, 7), r"must be \(2, height, width\)"),
        (nn.Conv2d(2, 3, 3), (2, 2, 7), "larger than the padded input"),
        (nn.Conv2d(64, 64, 3, padding=1), (64, 224, 224), "connections, the most is 50,000,000"),
    ],
)
def test_what_cannot_be_written_as_one(conv: Any, shape: tuple[int, ...], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        as_matrix(conv, shape)
