"""DeepFool: onto the nearest of the linearised boundaries to other classes, again and again."""

from dataclasses import dataclass, field
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from snellen._errors import UsageError
from snellen._shapes import Pixels
from snellen.instruments.attacks._base import Attack
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.attacks._nearest import clearly, largest
from snellen.instruments.attacks._norms import L2, TINY, Linf, Norm
from snellen.instruments.attacks._pairs import pairs
from snellen.instruments.attacks._victim import DOUBT, Victim, negative_margin

SMALL = 2e-4  # of the first margin: past the boundary, so that a tie is none


@dataclass(frozen=True)
class DeepFool(Attack):
    """The shortest step onto the nearest linearised boundary, until it is crossed.

    With margin f_k and slope w_k to each other class k, the step is ``f_k w_k / |w_k|_2^2`` (Linf: ``f_k sign(w_k) /
    |w_k|_1``) for the k with the least ``f_k / |w_k|_dual``; the sum of the steps is stretched by ``1 + overshoot``. An
    affine network is crossed in one step, at the least distance. One gradient a class and step.

    Args:
        norm: L2 or Linf; a budget only bounds what counts.
        steps: at most.
        classes: how many classes are looked at, those next in score to the image's own; a target is the only one.
        overshoot: by which the change is stretched.

    Raises:
        UsageError: counts below one, a negative overshoot.

    Reference: Moosavi-Dezfooli, Fawzi and Frossard 2016, DeepFool: a Simple and Accurate Method to Fool Deep Neural
    Networks, arXiv 1511.04599.

    >>> from snellen.subject.network import Network
    >>> module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 3))
    >>> found = DeepFool()(Network(module), torch.full((1, 3, 2, 2), 0.5), torch.tensor([0]))
    >>> found.images.shape
    torch.Size([1, 3, 2, 2])
    """

    norm: Norm = field(default_factory=L2)
    norms: ClassVar[tuple[type[Norm], ...]] = (L2, Linf)
    needs_budget: ClassVar[bool] = False
    steps: int = 50
    classes: int = 9
    overshoot: float = 0.02

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.steps, self.classes) < 1 or not self.overshoot >= 0:
            raise UsageError(
                "steps and classes must be at least 1 and overshoot not negative, "
                f"got {self.steps}, {self.classes} and {self.overshoot}"
            )

    def perturb(self, victim: Victim, originals: Pixels, draws: Draws) -> Pixels:  # noqa: ARG002
        total, rows = torch.zeros_like(originals), torch.arange(len(originals), device=originals.device)
        scores = victim.look(originals).scores
        goals, scale = pairs(victim.goal, scores, self.classes), largest(scores)
        made, first = originals.clone(), torch.zeros(len(originals), device=originals.device)
        for step in range(self.steps):
            distance = torch.full((len(rows),), torch.inf, device=originals.device)
            change = torch.zeros_like(originals[rows])
            for goal in goals:
                slope = victim[rows].towards(goal[rows]).slope(made[rows], negative_margin)
                if not step:
                    first = torch.maximum(first, slope.loss.abs())
                near, move = self._shortest(
                    slope.gradient, -slope.loss + torch.maximum(SMALL * first[rows], 2 * DOUBT * scale[rows])
                )
                nearer = near < distance
                distance = torch.where(nearer, near, distance)
                change = torch.where(nearer.view(-1, 1, 1, 1), move, change)
            total[rows] += change
            made[rows] = (originals[rows] + (1 + self.overshoot) * total[rows]).clamp(0, 1)
            look = victim[rows].look(made[rows])
            rows = rows[~clearly(victim.goal[rows], look.scores, look.achieved, scale[rows])]
            if len(rows) == 0:
                break
        return made

    def _shortest(self, gradient: Pixels, need: Float[Tensor, "n"]) -> tuple[Float[Tensor, "n"], Pixels]:
        """The distance to a linearised boundary, and the step onto it."""
        need = need.abs()
        size = gradient.flatten(1).norm(p=1 if isinstance(self.norm, Linf) else 2, dim=1)
        distance = torch.where(size > TINY, need / size.clamp_min(TINY), torch.inf)
        length = torch.where(size > TINY, distance, 0.0)
        return distance, length.view(-1, 1, 1, 1) * self.norm.steepest(gradient)
