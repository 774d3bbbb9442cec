"""The three cases, angles of known size, scikit-learn, and what overflows elsewhere."""

import math

import numpy as np
import pytest
import torch
from sklearn.metrics.pairwise import cosine_similarity as peer

from snellen import UsageError
from snellen.instruments.probes.similarity import cosine_similarity


def test_same_direction_orthogonal_and_opposite() -> None:
    a = torch.tensor([[1.0, 0.0, 0.0]])
    b = torch.tensor([[7.0, 0.0, 0.0], [0.0, 3.0, 0.0], [-0.1, 0.0, 0.0]])
    assert cosine_similarity(a, b).tolist() == [[1.0, 0.0, -1.0]]


@pytest.mark.parametrize("degrees", [0, 30, 45, 60, 90, 120, 180])
def test_an_angle(degrees: int) -> None:
    angle = math.radians(degrees)
    found = cosine_similarity(torch.tensor([[2.0, 0.0]]), torch.tensor([[math.cos(angle), math.sin(angle)]]))
    assert float(found) == pytest.approx(math.cos(angle), abs=1e-7)


def test_it_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(40, 7000)), rng.normal(size=(60, 7000))
    found = cosine_similarity(torch.from_numpy(a), torch.from_numpy(b))
    assert found.shape == (40, 60)
    assert np.allclose(found, peer(a, b), atol=1e-7)


@pytest.mark.parametrize("size", [1e-200, 1e-30, 1e30, 1e140])
def test_length_is_no_matter(size: float) -> None:
    a = torch.tensor([[3.0, 4.0]], dtype=torch.float64)
    assert cosine_similarity(a * size, a).tolist() == [[1.0]]
    assert cosine_similarity(a * size, a.flip(1)).tolist() == [[pytest.approx(0.96)]]


def test_it_never_leaves_the_interval() -> None:
    a = torch.rand(300, 50, generator=torch.Generator().manual_seed(0))
    found = cosine_similarity(a, torch.cat([a * 3, -a]))
    assert float(found.max()) == 1.0
    assert float(found.min()) == -1.0


def test_a_zero_vector_and_whole_numbers() -> None:
    assert cosine_similarity(torch.zeros(1, 2), torch.eye(2)).tolist() == [[0.0, 0.0]]
    assert cosine_similarity(torch.tensor([[200, 200]], dtype=torch.uint8), torch.tensor([[1, 1]])).item() == 1.0


def test_wrong_input() -> None:
    with pytest.raises(UsageError, match="same number of dimensions, got 2 and 3"):
        cosine_similarity(torch.ones(1, 2), torch.ones(1, 3))
    with pytest.raises(UsageError, match="a must be finite"):
        cosine_similarity(torch.tensor([[float("nan")]]), torch.ones(1, 1))
    with pytest.raises(UsageError, match=r"b must be a real tensor \(n, d\)"):
        cosine_similarity(torch.ones(1, 2), torch.ones(2))
