"""Stored permutations: rows and class numbers, from 0 and from 1, with gaps, and rows that are none."""

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from puzzles.scenes import orders
from snellen._errors import ImagesError
from snellen.puzzles.grid import Grid
from snellen.puzzles.vectors import permutation_vectors

GRID = Grid(2, 2)
ROWS = orders(6, GRID)


@given(seed=st.integers(0, 99), kind=st.sampled_from(["i1", "i8", "u1", "f4", "f8"]), one=st.booleans())
def test_round_trips(seed: int, kind: str, one: bool) -> None:
    rows = orders(5, Grid(2, 3), seed=seed)
    found, notes = permutation_vectors((rows + one).astype(kind), Grid(2, 3))
    assert np.array_equal(found, rows)
    assert bool(notes) == one


@pytest.mark.parametrize("unknown", [-1, np.nan])
@pytest.mark.parametrize("one", [0, 1])
def test_gaps(unknown: float, one: int) -> None:
    stored = ROWS + float(one)
    stored[[1, 4]] = unknown
    expected = ROWS.copy()
    expected[[1, 4]] = -1
    assert np.array_equal(permutation_vectors(stored, GRID)[0], expected)


def test_class_numbers_are_lexicographic() -> None:
    table = np.array(sorted(permutations(range(4))))
    numbers = np.arange(24.0)
    for shape in ((24,), (24, 1)):
        found, notes = permutation_vectors(numbers.reshape(shape), GRID)
        assert np.array_equal(found, table)
        assert "lexicographic" in notes[0]
    some = permutation_vectors(np.array([5, np.nan, -1]), GRID)[0]
    assert some.tolist() == [table[5].tolist(), [-1] * 4, [-1] * 4]


def test_fewer_known_than_classes_is_fine() -> None:
    assert len(permutation_vectors(ROWS[:1], GRID)[0]) == 1


def bad(index: int, row: list[float]) -> Any:
    rows = ROWS.astype(float)
    rows[index] = row
    return rows


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (bad(3, [0, 1, 1, 3]), ("1 of 6 rows", "row 3 is 0 1 1 3")),
        (bad(2, [0, 1, -1, 3]), ("row 2 is 0 1 -1 3",)),
        (bad(2, [0, 1, np.nan, 3]), ("row 2 is 0 1 nan 3",)),
        (bad(5, [0, 1, 2, 3.5]), ("row 5 is 0 1 2 3.5",)),
        (bad(0, [1, 2, 3, 4]), ("row 0 is 1 2 3 4",)),  # from 1 in one row and from 0 in the others
        (np.zeros((9, 4)), ("9 of 9 rows", "row 4 is 0 0 0 0; ...")),
        (ROWS[:, :3], ("must have shape (k, 4) for a 2x2 grid", "got (6, 3)")),
        (np.array([0, 24, 3]), ("row 1 is 24", "0 to 23")),
        (np.array([0.5, 1.0]), ("row 0 is 0.5",)),
        (np.array(["a"]), ("must hold numbers",)),
        (ROWS[None], ("got (1, 6, 4)",)),
    ],
)
def test_rows_that_are_no_permutation_are_named(array: Any, words: tuple[str, ...]) -> None:
    with pytest.raises(ImagesError) as error:
        permutation_vectors(array, GRID, label="p")
    assert all(word in str(error.value) for word in words), error.value
    assert "row 5 is 0 0 0 0" not in str(error.value)


def test_class_numbers_need_few_arrangements() -> None:
    with pytest.raises(ImagesError, match="9!"):
        permutation_vectors(np.arange(3), Grid(3, 3))
