"""An untargeted goal, class by class: every boundary of an image's own class is approached in turn."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from snellen._shapes import Labels, Logits
from snellen.instruments.attacks._goal import Goal, Untargeted


@dataclass(frozen=True, eq=False)
class Pair(Untargeted):
    """Any other class than ``labels``, by way of the class ``target``: the margin is to that class alone."""

    target: Labels

    def __getitem__(self, rows: Tensor) -> "Pair":
        return Pair(self.labels[rows], self.target[rows])

    def margin(self, scores: Logits) -> Float[Tensor, "n"]:
        both = torch.stack([self.labels, self.target], dim=1)
        own, other = scores.gather(1, both).unbind(dim=1)
        return own - other

    def cross_entropy(self, scores: Logits) -> Float[Tensor, "n"]:
        return -F.cross_entropy(scores.float(), self.target, reduction="none")

    def achieved(self, outputs: Logits) -> Bool[Tensor, "n"]:
        return super().margin(outputs.detach()) < 0


def pairs(goal: Goal, scores: Logits, most: int) -> Sequence[Goal]:
    """The goal towards each of the other classes, the highest score first; a goal that is no such choice, by itself.

    Args:
        goal: one wish an image.
        scores: (n, k) of the originals.
        most: how many classes at most.

    >>> [pair.target for pair in pairs(Untargeted(torch.tensor([1])), torch.tensor([[0.0, 9.0, 5.0]]), 9)]
    [tensor([2]), tensor([0])]
    """
    if not isinstance(goal, Untargeted):
        return (goal,)
    others = scores.scatter(1, goal.labels[:, None], -torch.inf)
    order = others.argsort(dim=1, descending=True, stable=True)[:, :-1]
    return [Pair(goal.labels, order[:, rank]) for rank in range(min(most, order.shape[1]))]
