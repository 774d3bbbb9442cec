"""Projected gradient descent: many small steps up the loss, each put back into the budget."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from snellen._errors import UsageError
from snellen._shapes import Pixels
from snellen.instruments.attacks._base import Attack
from snellen.instruments.attacks._climb import check_steps, climb, radius
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.attacks._norms import L2, Linf, Norm
from snellen.instruments.attacks._victim import Victim


@dataclass(frozen=True)
class PGD(Attack):
    """Steps of the steepest ascent of the cross-entropy, projected into the ball, from a random start.

    ``x <- project(x + step * steepest(gradient))``. The slope is taken at the picture of 8 bits next to x, so that
    each step is judged as it would be saved; an image that has reached its goal is left alone.

    Args:
        norm: Linf or L2, with a budget.
        steps: at most.
        step: size of one, in the norm; if not given, ``2.5 eps / steps``.
        restarts: random starts, one after another, for the images that still resist.

    Raises:
        UsageError: fewer than one step or restart; a step that is not positive.

    Reference: Madry et al. 2018, Towards Deep Learning Models Resistant to Adversarial Attacks, arXiv 1706.06083.

    >>> from snellen.subject.network import Network
    >>> module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2))
    >>> found = PGD(Linf(1.0))(Network(module), torch.rand(4, 3, 2, 2), torch.tensor([0, 0, 1, 1]))
    >>> found.images.shape, bool((found.distance <= 1).all())
    (torch.Size([4, 3, 2, 2]), True)
    """

    norms: ClassVar[tuple[type[Norm], ...]] = (Linf, L2)
    steps: int = 40
    step: float | None = None
    restarts: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_steps(self.steps, self.step)
        if self.restarts < 1:
            raise UsageError(f"restarts must be at least 1, got {self.restarts}")

    def perturb(self, victim: Victim, originals: Pixels, draws: Draws) -> Pixels:
        size = self.step or 2.5 * radius(self.norm) / self.steps
        best, open_ = originals.clone(), torch.arange(len(originals), device=originals.device)
        for restart in range(self.restarts):
            own = draws[open_].split(restart)
            start = originals[open_] + self.norm.drawn(originals[open_].shape, own).to(originals.device)
            best[open_], reached = climb(
                victim[open_], originals[open_], start, own, norm=self.norm, steps=self.steps, size=size
            )
            open_ = open_[~reached]
            if len(open_) == 0:
                break
        return best
