"""The nearest point so far that reaches the goal, of each image."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from snellen._shapes import Logits, Pixels
from snellen.instruments.attacks._goal import Goal
from snellen.instruments.attacks._norms import Norm
from snellen.instruments.attacks._victim import DOUBT


class Nearest:
    """Keeps, of each image, the nearest of the points that reached the goal.

    Attributes:
        images: (n, c, h, w); the original where there was none.
        size: (n,) float64, its distance; infinite where there was none.
    """

    def __init__(self, norm: Norm, originals: Pixels) -> None:
        self._norm, self._originals = norm, originals
        self.images = originals.clone()
        self.size = torch.full((len(originals),), torch.inf, dtype=torch.float64, device=originals.device)

    def take(self, made: Pixels, reached: Bool[Tensor, "n"], rows: Tensor | None = None) -> None:
        """Note the points that reached the goal and are nearer.

        Args:
            made: (m, c, h, w) points.
            reached: (m,) whether they reach the goal.
            rows: (m,) of which images; of all in their order if not given.
        """
        rows = torch.arange(len(made), device=made.device) if rows is None else rows
        size = self._norm.size(made - self._originals[rows])
        better = reached & (size < self.size[rows])
        self.images[rows[better]], self.size[rows[better]] = made[better], size[better]

    def or_last(self, made: Pixels) -> Pixels:
        """The nearest points; where there is none, ``made``."""
        return torch.where(torch.isinf(self.size).view(-1, 1, 1, 1), made, self.images)


def clearly(goal: Goal, scores: Logits, achieved: Bool[Tensor, "n"], first: Float[Tensor, "n"]) -> Bool[Tensor, "n"]:
    """Reached, and by more than the scores of an image move when it is looked at in another batch.

    Args:
        goal: one wish an image.
        scores: (n, k) of some points.
        achieved: (n,) whether they reach the goal.
        first: (n,) the largest score of each original, in size.
    """
    return achieved & (goal.margin(scores) < -DOUBT * first)


def largest(scores: Logits) -> Float[Tensor, "n"]:
    """The size of each image's largest score."""
    return scores.abs().amax(dim=1)
