"""What is held back: a tenth, at most 1,000, the same for whoever asks with the same seed."""

import numpy as np
import pytest

from snellen.puzzles.split import held_back


@pytest.mark.parametrize(("known", "held"), [(0, 0), (1, 1), (9, 1), (10, 1), (11, 2), (10_000, 1000), (12_000, 1000)])
def test_how_many(known: int, held: int) -> None:
    indices = np.arange(known) * 3 + 1
    train, kept = held_back(indices, seed=0)
    assert len(kept) == held
    assert np.array_equal(np.sort(np.concatenate([train, kept])), indices)
    assert np.array_equal(np.sort(train), train)
    assert np.array_equal(np.sort(kept), kept)


def test_the_seed_decides_and_nothing_else() -> None:
    known = np.arange(200)
    np.random.seed(3)
    first = held_back(known, seed=5)[1]
    np.random.seed(4)
    assert np.array_equal(held_back(known[::-1], seed=5)[1], first)
    assert not np.array_equal(held_back(known, seed=6)[1], first)
