"""Samples: what they become. What is refused is in test_wasserstein."""

import numpy as np
import torch

from snellen.instruments.transport._points import masses, points


def test_shapes_and_kinds() -> None:
    assert points([1, 2, 3], "A").shape == (3, 1)
    assert points(torch.zeros(2, 3, dtype=torch.bfloat16), "A").shape == (2, 3)
    assert points([[1, 2]], "A").dtype == np.float64


def test_weights_sum_to_one() -> None:
    assert masses(None, 4, "a").tolist() == [0.25] * 4
    assert masses([1, 3], 2, "a").tolist() == [0.25, 0.75]
