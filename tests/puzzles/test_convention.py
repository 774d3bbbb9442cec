"""What permutations mean: the two numbers of a wrong reading by enumeration, and every convention found."""

from itertools import permutations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from puzzles.scenes import orders, scenes, shuffle
from shared import SHARED, needs_shared
from snellen._errors import UsageError
from snellen.puzzles.convention import CONVENTIONS, OURS, Convention, convert, detect
from snellen.puzzles.grid import Grid
from snellen.puzzles.load import load_puzzles

GRIDS = [Grid(2, 2), Grid(2, 3), Grid(3, 3)]


def written(permutation: list[int], grid: Grid, name: str) -> list[int]:
    """A permutation of ours as another convention writes it, from its words and by loops."""
    number = list(range(grid.pieces))
    if name.endswith("by-columns"):
        number = [c * grid.rows + r for r in range(grid.rows) for c in range(grid.columns)]
    vector = [-1] * grid.pieces
    for here, belongs in enumerate(permutation):
        if name.startswith("belongs-at"):
            vector[number[here]] = number[belongs]
        else:
            vector[number[belongs]] = number[here]
    return vector


def as_written(rows: NDArray[np.int64], grid: Grid, name: str) -> NDArray[np.int64]:
    return np.array([written(row, grid, name) for row in rows.tolist()])


def test_a_wrong_reading_of_a_perfect_solver() -> None:
    """10 of the 24 permutations are their own inverse; of all pieces exactly half seem to be in place."""
    right_images = right_pieces = 0
    for row in permutations(range(4)):
        inverse = [row.index(i) for i in range(4)]
        right_images += list(row) == inverse
        right_pieces += sum(a == b for a, b in zip(row, inverse, strict=True))
    assert right_images == 10
    assert right_images / 24 == pytest.approx(0.417, abs=5e-4)
    assert right_pieces / 96 == 0.5


@pytest.mark.parametrize("grid", [*GRIDS, Grid(1, 4)], ids=str)
@pytest.mark.parametrize("name", CONVENTIONS)
def test_conversion_undoes_writing(grid: Grid, name: str) -> None:
    rows = orders(40, grid)
    assert np.array_equal(convert(torch.from_numpy(as_written(rows, grid, name)), grid, name).numpy(), rows)


@pytest.mark.parametrize("grid", GRIDS, ids=str)
@pytest.mark.parametrize("name", CONVENTIONS)
def test_every_convention_is_found(grid: Grid, name: str) -> None:
    rows, images = orders(60, grid), scenes(60, 24, 24)
    found = detect(shuffle(images, rows, grid), as_written(rows, grid, name), grid)
    assert (found.name, found.how) == (name, "detected")
    assert found.candidates[0].name == name
    assert found.candidates[0].best > 0.9
    assert found.fits
    assert found.lead[1] > 0
    assert found.meaning == CONVENTIONS[name]


def test_only_the_named_images_are_looked_at() -> None:
    grid, rows, images = Grid(2, 2), orders(40, Grid(2, 2)), scenes(80)
    mixed = np.full_like(images, 7)
    known = np.arange(1, 80, 2)
    mixed[known] = shuffle(images[known], rows, grid)
    assert detect(mixed, as_written(rows, grid, "comes-from"), grid, known=known).name == "comes-from"


def test_involutions_tell_nothing() -> None:
    grid = Grid(2, 2)
    rows = np.array([row for row in permutations(range(4)) if all(row[row[i]] == i for i in range(4))])
    found = detect(shuffle(scenes(len(rows)), rows, grid), rows, grid)
    assert (found.name, found.how) == (OURS, "undecided")
    assert found.differing < 10


def test_fewer_than_five_decide_nothing() -> None:
    grid, rows = Grid(2, 2), np.array([[1, 2, 3, 0]] * 4)
    found = detect(shuffle(scenes(4), rows, grid), as_written(rows, grid, "comes-from"), grid)
    assert (found.name, found.how) == (OURS, "undecided")


def test_flat_images_decide_nothing_and_noise_does_not_fit() -> None:
    grid, rows = Grid(2, 2), orders(100, Grid(2, 2))
    flat = detect(np.full((100, 8, 8, 3), 90, np.uint8), rows, grid)
    assert (flat.name, flat.how) == (OURS, "undecided")
    others = orders(100, grid, seed=9)  # permutations of other images
    unrelated = detect(shuffle(scenes(100), rows, grid), others, grid)
    assert unrelated.how == "undecided"
    assert unrelated.candidates[0].fit == pytest.approx(unrelated.chance, abs=4)
    assert not Convention(OURS, "detected", unrelated.candidates, unrelated.candidates[0].fit + 1).fits


def test_nothing_known_and_no_such_convention() -> None:
    grid = Grid(2, 2)
    assert detect(scenes(2), np.zeros((0, 4), np.int64), grid).how == "none"
    with pytest.raises(UsageError, match="did you mean belongs-at"):
        convert(torch.tensor([[0, 1, 2, 3]]), grid, "belong-at")


@needs_shared
def test_the_archive_of_the_exam() -> None:
    found = load_puzzles(SHARED / "data/home-exam/DataShuffled.npz")
    assert (found.convention.name, found.convention.how) == ("belongs-at", "detected")
    assert len(found.known) == 12_000
    assert len(found.unknown) == 4_000
