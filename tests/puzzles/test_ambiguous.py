"""Pieces that look the same, pictures that look right, and where an answer is called unsure."""

import math
from itertools import permutations

import pytest
import torch

from snellen.puzzles.ambiguous import ODDS, UNSURE, as_good, doubtful_below, twins


def test_pieces_are_twins_when_no_pixel_differs_visibly() -> None:
    pieces = torch.rand(1, 4, 3, 5, 5) / 2
    pieces[0, 2] = pieces[0, 0]
    pieces[0, 3] = pieces[0, 1]
    pieces[0, 2, 1, 2, 2] += 1.9 / 255
    pieces[0, 3, 1, 2, 2] += 2.1 / 255
    found = twins(pieces)[0]
    assert found.nonzero().tolist() == [[0, 2], [2, 0]]


def test_as_good_is_the_picture_looking_the_same() -> None:
    """Oracle: lay the pieces out and compare the pictures, for all 24 arrangements."""
    shades = torch.tensor([0.1, 0.1, 0.6, 0.9])
    pieces = shades.view(1, 4, 1, 1, 1).expand(1, 4, 3, 2, 2)
    alike, truth = twins(pieces), torch.tensor([[2, 0, 1, 3]])
    picture = shades[truth[0].argsort()]
    for row in permutations(range(4)):
        found = torch.tensor([row])
        expected = torch.equal(shades[found[0].argsort()], picture)
        assert as_good(found, truth, alike).item() == expected


@pytest.mark.parametrize(
    ("right", "expected"),
    [
        ([True] * 4, 0.0),  # nothing wrong, nothing flagged
        ([False] * 4, 6.5),  # all wrong: beyond the largest
        ([False, True, True, True], 1.5),  # flags the one, and not three right ones for it
        ([True, True, True, True, False, True, True, True], 0.0),  # one wrong among eight is not enough
        ([True, False, False, True, True, True], 3.5),
    ],
)
def test_the_cut_by_hand(right: list[bool], expected: float) -> None:
    margin = torch.arange(1.0, len(right) + 1)
    order = torch.randperm(len(right), generator=torch.Generator().manual_seed(0))
    found = doubtful_below(margin[order], torch.tensor(right)[order])
    assert found == pytest.approx(expected)


def test_without_puzzles_three_to_one() -> None:
    assert doubtful_below(torch.zeros(0), torch.zeros(0, dtype=torch.bool)) == UNSURE
    two = torch.tensor([UNSURE, 0.0]).softmax(0)
    assert float(two[0] / two[1]) == pytest.approx(ODDS)
    assert math.isfinite(doubtful_below(torch.tensor([1.0]), torch.tensor([False])))
