"""One number that makes the probabilities of a scorer honest."""

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from snellen.nets.deshuffler import Scores
from snellen.puzzles.load import Puzzles
from snellen.puzzles.pieces import cut, inverse
from snellen.puzzles.pixels import as_pixels
from snellen.puzzles.restore import Scorer
from snellen.puzzles.solve import is_exact, solve
from snellen.puzzles.totals import total

FEWEST = 50
"""Below so many known puzzles nothing is fitted."""
MOST = 1000
MOST_SLOW = 64
"""The most puzzles that are fitted on, and where the arrangements are too many to list."""
RANGE = (-5.0, 5.0)
"""The scale lies between 2**-5 and 2**5."""
STEPS = 14
GOLDEN = (5**0.5 - 1) / 2


def scaled(scorer: Scorer, scale: float) -> Scorer:
    """A scorer whose scores are so many times as large: the same answers, surer or less sure of them.

    >>> from snellen.puzzles.edges import edge_scores
    >>> pieces = torch.rand(1, 4, 3, 8, 8)
    >>> torch.equal(scaled(edge_scores, 2.0)(pieces).beside, 2 * edge_scores(pieces).beside)
    True
    """

    def score(pieces: Float[Tensor, "n m c h w"]) -> Scores | Tensor:
        return _times(scorer(pieces), scale)

    return score


def fitted_scale(scorer: Scorer, puzzles: Puzzles, indices: NDArray[np.int64]) -> float:
    """The scale under which known permutations are most probable: temperature scaling, 1 / temperature.

    Minus the mean log probability of the truth is convex in the scale; its minimum is found by golden section. Not
    fitted, and 1, with fewer than 50 known puzzles or on grids that are searched and not solved exactly, where
    probabilities are bounds.

    Args:
        scorer: pieces to scores.
        puzzles: shuffled images.
        indices: of known puzzles that the scorer was not trained on.

    Reference: Guo et al. 2017, On calibration of modern neural networks, arXiv:1706.04599.

    >>> from snellen.puzzles.convention import Convention
    >>> from snellen.puzzles.edges import edge_scores
    >>> from snellen.puzzles.grid import Grid
    >>> few = Puzzles(np.zeros((1, 8, 8, 3), np.uint8), np.array([[0, 1, 2, 3]]), Grid(2, 2),
    ...               convention=Convention("belongs-at", "given"))
    >>> fitted_scale(edge_scores, few, few.known)
    1.0
    """
    grid = puzzles.grid
    if len(indices) < FEWEST or not is_exact(grid):
        return 1.0
    count = min(len(indices), MOST if grid.countable else MOST_SLOW)
    chosen = indices[np.linspace(0, len(indices) - 1, count).round().astype(np.int64)]
    with torch.inference_mode():
        scores = scorer(cut(as_pixels(puzzles.images[chosen]), grid))
    truth = inverse(torch.from_numpy(puzzles.permutations[chosen]))

    def loss(power: float) -> float:
        return -float(_log_probability(_times(scores, 2.0**power), truth, puzzles).double().mean())

    low, high = RANGE
    near, far = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    loss_near, loss_far = loss(near), loss(far)
    for _ in range(STEPS):
        if loss_near <= loss_far:
            high, far, loss_far = far, near, loss_near
            near = high - GOLDEN * (high - low)
            loss_near = loss(near)
        else:
            low, near, loss_near = near, far, loss_far
            far = low + GOLDEN * (high - low)
            loss_far = loss(far)
    return float(2.0 ** ((low + high) / 2))


def _times(scores: Scores | Tensor, scale: float) -> Scores | Tensor:
    return Scores(*(part * scale for part in scores)) if isinstance(scores, Scores) else scores * scale


def _log_probability(scores: Scores | Tensor, truth: Tensor, puzzles: Puzzles) -> Float[Tensor, "n"]:
    """Of the true order: that of the best, less what the best is ahead of it."""
    grid, found = puzzles.grid, solve(scores, puzzles.grid)
    best = found.probability.clamp_min(1e-30).log()
    if isinstance(scores, Scores):
        both = total(scores, grid, torch.stack([inverse(found.permutations), truth], dim=1))
        return best - (both[:, 0] - both[:, 1])
    which = (grid.arrangements[None] == truth[:, None]).all(dim=2).int().argmax(dim=1)
    return best - (scores.amax(dim=1) - scores.gather(1, which[:, None])[:, 0])
