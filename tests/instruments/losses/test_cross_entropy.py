"""The cross-entropy against its definition, scikit-learn and PyTorch; what has none is refused with the reason."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss
from torch.nn import functional as F

from snellen._errors import UsageError
from snellen.instruments.losses.cross_entropy import cross_entropy


def definition(z: np.ndarray, y: np.ndarray) -> float:
    """-sum y ln z over everything, with 0 ln 0 = 0."""
    return -sum(t * math.log(p) for row, hot in zip(z, y, strict=True) for p, t in zip(row, hot, strict=True) if t)


@pytest.mark.parametrize(("n", "k"), [(1, 2), (7, 2), (50, 10)])
def test_it_is_the_definition_and_what_others_compute(n: int, k: int) -> None:
    rng = np.random.default_rng(n)
    scores, labels = rng.normal(size=(n, k)) * 3, rng.integers(0, k, n)
    z = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    y = np.eye(k)[labels]
    found = cross_entropy(z, y)
    assert found == pytest.approx(definition(z, y), rel=1e-12)
    assert found == pytest.approx(log_loss(labels, z, labels=range(k), normalize=False), rel=1e-9)
    by_torch = F.cross_entropy(torch.from_numpy(scores), torch.from_numpy(labels), reduction="sum")
    assert found == pytest.approx(by_torch.item(), rel=1e-12)
    assert cross_entropy(torch.from_numpy(z), y.tolist()) == found


def test_one_sample_is_one_logarithm_whatever_the_rest_is() -> None:
    assert cross_entropy([0.25, 0.75], [1, 0]) == math.log(4)
    assert cross_entropy([0.25, 0.5, 0.25], [1, 0, 0]) == cross_entropy([0.25, 0.0, 0.75], [1, 0, 0]) == math.log(4)


def test_the_ends() -> None:
    assert cross_entropy([1, 0], [1, 0]) == 0
    assert math.copysign(1, cross_entropy([1, 0], [1, 0])) == 1
    assert cross_entropy([0, 1], [1, 0]) == math.inf


def test_a_float32_softmax_over_many_classes_is_stochastic() -> None:
    z = torch.randn(4, 5_000, generator=torch.Generator().manual_seed(0)).softmax(1)
    assert cross_entropy(z, np.eye(5_000)[:4]) > 0


@pytest.mark.parametrize(
    ("z", "y", "words"),
    [
        ([8.0, 2.0], [1, 0], "sums to 10: without the sum 1 the cross-entropy has no lower bound"),
        ([[0.5, 0.5], [0.5, 0.4]], [[1, 0], [1, 0]], r"row 1, \(0.5, 0.4\), sums to 0.9"),
        ([1.5, -0.5], [1, 0], "row 0 is .1.5, -0.5.: ln z has no value below 0"),
        ([math.nan, 1.0], [1, 0], "z must be finite, and its row 0 is not"),
        ([math.inf, 0.0], [1, 0], "z must be finite"),
        ([0.5, 0.5], [math.nan, 1], "y must be finite"),
        ([0.5, 0.5], [1, 1], "single 1 among zeros in every row; row 0 is .1, 1."),
        ([0.5, 0.5], [0, 0], "single 1 among zeros"),
        ([0.5, 0.5], [0.5, 0.5], "single 1 among zeros"),
        ([0.5, 0.5], [2, -1], "single 1 among zeros"),
        ([0.5, 0.5], [1, 0, 0], r"the same shape, got \(2,\) and \(3,\)"),
        ([[0.5, 0.5]], [[1, 0], [0, 1]], r"the same shape, got \(1, 2\) and \(2, 2\)"),
        ([[0.5, 0.5]], [0], "y is one-hot"),
        ([], [], "hold something"),
        ([[[1.0]]], [[[1]]], r"shape \(1, 1, 1\)"),
        ([[0.5, 0.5], [1.0]], [[1, 0], [1]], "rows of numbers of one length"),
        ("ab", "cd", "rows of numbers"),
    ],
)
def test_what_has_no_cross_entropy_is_refused(z: Any, y: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        cross_entropy(z, y)
