"""Which known puzzles are kept back to measure on: the same ones for training and for judging."""

import numpy as np
from numpy.typing import NDArray

MOST_HELD = 1000
SHARE_HELD = 10
"""One known puzzle in so many is held back, and never more than the above."""


def held_back(known: NDArray[np.int64], *, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The known puzzles to train on, and those that are never trained on and measured on instead.

    A tenth of them, at least one and at most 1,000, drawn by the seed alone: whoever trains and whoever judges
    with the same seed and the same puzzles hold back the same ones.

    Args:
        known: indices of the puzzles whose permutation is known.
        seed: of the draw.

    Returns:
        (train, held), each in ascending order; both empty where nothing is known.

    >>> train, held = held_back(np.arange(50), seed=0)
    >>> len(train), len(held), sorted({*train, *held}) == list(range(50))
    (45, 5, True)
    """
    known = np.sort(np.asarray(known, dtype=np.int64))
    count = min(MOST_HELD, -(-len(known) // SHARE_HELD))
    drawn = np.random.default_rng([seed, 0x5E1D]).permutation(len(known))
    return np.sort(known[drawn[count:]]), np.sort(known[drawn[:count]])
