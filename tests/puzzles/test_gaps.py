"""The curve over the gap: by hand where the answer is known, shuffled, and only where pieces are left."""

import numpy as np
import torch
from torch import Tensor

from puzzles.scenes import scenes
from snellen.nets.deshuffler import Scores
from snellen.puzzles.edges import edge_scores
from snellen.puzzles.gaps import GAPS, gap_accuracy
from snellen.puzzles.grid import Grid

GRID = Grid(2, 2)


def nothing(pieces: Tensor) -> Scores:
    return Scores(*torch.zeros(3, len(pieces), 4, 4))


def test_edges_fall_with_the_gap() -> None:
    rng = np.random.default_rng(0)
    images = (scenes(80, 32, 32).astype(float) * 0.6 + rng.uniform(0, 100, (80, 32, 32, 3))).astype(np.uint8)
    found = gap_accuracy(images, GRID, edge_scores)
    assert list(found) == list(GAPS)
    values = [s.value for s in found.values()]
    assert values[0] > values[-1] + 0.1
    assert all(s.count == 80 for s in found.values())


def test_an_undecided_scorer_is_right_by_chance_and_not_by_leaving_all_as_it_is() -> None:
    found = gap_accuracy(scenes(480, 8, 8), GRID, nothing, gaps=(0,))
    assert found[0].low < 1 / 24 < found[0].high


def test_a_scorer_that_sees_through_gaps() -> None:
    """Oracle: every quarter has a brightness that says where it belongs."""

    def by_brightness(pieces: Tensor) -> Scores:
        mean = pieces.mean(dim=(2, 3, 4))
        place = -(mean[:, :, None] - torch.tensor([0.1, 0.3, 0.5, 0.7])).abs() * 100
        return Scores(torch.zeros_like(place), torch.zeros_like(place), place)

    image = np.kron([[26, 76], [128, 178]], np.ones((8, 8)))[None, :, :, None].repeat(3, 3).astype(np.uint8)
    found = gap_accuracy(image.repeat(30, 0), GRID, by_brightness)
    assert {gap: s.right for gap, s in found.items()} == {0: 30, 2: 30, 4: 30, 6: 30}


def test_the_seed_decides() -> None:
    images = scenes(100, 8, 8)
    one, same, other = (gap_accuracy(images, GRID, nothing, gaps=(0,), seed=s)[0].right for s in (0, 0, 1))
    assert one == same
    assert {other, one} != {0}
