"""Which puzzles have more than one right answer, or none that can be trusted."""

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

INVISIBLE = 2 / 255
"""Pieces that nowhere differ by more than this cannot be told apart by eye."""
ODDS = 3
"""An answer is ambiguous that is not at least so many times as often right as wrong."""
UNSURE = math.log(ODDS)
"""Nats; the same for want of known puzzles: the best arrangement is not three times as probable as the second."""
BLOCK = 128


def twins(pieces: Float[Tensor, "n m c h w"]) -> Bool[Tensor, "n m m"]:
    """Which two pieces of a puzzle look the same: exchanging them changes nothing visible.

    Args:
        pieces: pixels in [0, 1].

    >>> sky = torch.full((1, 4, 3, 8, 8), 0.7)
    >>> sky[:, 3] = 0.2
    >>> twins(sky)[0].int().sum(dim=1).tolist()
    [2, 2, 2, 0]
    """
    flat = pieces.flatten(2)
    found = torch.zeros(*flat.shape[:2], flat.shape[1], dtype=torch.bool)
    for start in range(0, len(flat), BLOCK):
        rows = slice(start, start + BLOCK)
        for i in range(flat.shape[1]):
            found[rows, i] = (flat[rows] - flat[rows, i : i + 1]).abs().amax(dim=2) <= INVISIBLE
    return found & ~torch.eye(flat.shape[1], dtype=torch.bool)


def as_good(found: Int[Tensor, "n m"], truth: Int[Tensor, "n m"], alike: Bool[Tensor, "n m m"]) -> Bool[Tensor, "n"]:
    """Whether the picture that an arrangement makes looks like the true one, though pieces that look the same may lie
    in each other's places.

    Args:
        found: permutations to judge.
        truth: the true ones.
        alike: which two pieces look the same, from :func:`twins`.

    >>> first_two = torch.zeros(1, 4, 4, dtype=torch.bool)
    >>> first_two[0, 0, 1] = first_two[0, 1, 0] = True
    >>> as_good(torch.tensor([[1, 0, 2, 3]]), torch.tensor([[0, 1, 2, 3]]), first_two).tolist()
    [True]
    """
    ours, theirs = found.argsort(dim=1), truth.argsort(dim=1)  # the piece at each position
    rows = torch.arange(len(found))[:, None]
    return ((ours == theirs) | alike[rows, ours, theirs]).all(dim=1)


def doubtful_below(margin: Float[Tensor, "n"], right: Bool[Tensor, "n"]) -> float:
    """The margin below which less than three answers are right for one that is wrong, in nats.

    Of all cuts the one for which 3 x wrong - right below it is largest, on known puzzles. 0, nothing is flagged, where
    that is negative everywhere; log 3, the best arrangement not three times as probable as the second, without any
    puzzles to look at.

    Args:
        margin: of puzzles that were not trained on.
        right: whether each was solved.

    >>> round(doubtful_below(torch.tensor([0.1, 0.2, 0.4, 4.0]), torch.tensor([True, False, True, True])), 6)
    0.3
    """
    if not len(margin):
        return UNSURE
    order = margin.argsort(stable=True)
    ranked = margin[order].double()
    excess = (ODDS - (ODDS + 1) * right[order].long()).cumsum(0)
    last = int(excess.argmax())
    if excess[last] <= 0:
        return 0.0
    above = ranked[last + 1] if last + 1 < len(ranked) else 2 * ranked[last] + 1
    return float((ranked[last] + above) / 2)
