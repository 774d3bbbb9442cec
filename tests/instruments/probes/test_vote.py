"""Votes by hand, a slow count, and where scikit-learn decides otherwise."""

from collections import Counter

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier

from snellen import UsageError
from snellen.instruments.probes.knn import nearest
from snellen.instruments.probes.vote import vote


def test_a_tie_goes_to_the_nearest_where_scikit_learn_takes_the_smallest_class() -> None:
    points, labels, query = np.array([[0.0], [1.0], [2.0]]), np.array([2, 1, 0]), np.array([[0.1]])
    peer = KNeighborsClassifier(3, algorithm="brute").fit(points, labels).predict(query)
    assert peer.tolist() == [0]
    assert vote(nearest(query, points).indices, torch.from_numpy(labels)).tolist() == [2]


def test_a_tie_of_two_pairs() -> None:
    labels = torch.tensor([9, 4, 4, 9, 1])
    assert vote(torch.tensor([[4, 1, 0, 3, 2], [4, 0, 1, 2, 3]]), labels).tolist() == [4, 9]


def test_it_is_a_slow_count() -> None:
    rng = np.random.default_rng(0)
    labels, indices = rng.integers(0, 4, 30), rng.integers(0, 30, (500, 5))
    expected = []
    for row in labels[indices]:
        counts = Counter(row.tolist())
        expected.append(next(c for c in row.tolist() if counts[c] == max(counts.values())))
    assert vote(torch.from_numpy(indices), torch.from_numpy(labels)).tolist() == expected


@pytest.mark.parametrize(
    ("indices", "labels", "words"),
    [
        ([[0, 1]], [0, -1], "every neighbour needs a class of 0 or more, got -1"),
        ([[0, 2]], [0, 1], "indices must be from 0 to 1, one of 2 labels, got 0 to 2"),
        ([[0.5]], [0, 1], r"whole numbers \(n, k\)"),
        ([0], [0, 1], r"got torch.int64 \(1,\)"),
    ],
)
def test_wrong_input(indices: list[list[int]], labels: list[int], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        vote(torch.tensor(indices), torch.tensor(labels))


def test_a_point_of_unknown_class_that_is_no_neighbour_is_no_matter() -> None:
    assert vote(torch.tensor([[0]]), torch.tensor([3, -1])).tolist() == [3]
