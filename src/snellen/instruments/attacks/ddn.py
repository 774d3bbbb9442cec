"""Decoupled direction and norm: steps along the slope on a sphere that shrinks while the goal is reached."""

import math
from dataclasses import dataclass, field
from typing import ClassVar

import torch

from snellen._errors import UsageError
from snellen._shapes import Pixels
from snellen.instruments.attacks._base import Attack
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.attacks._nearest import Nearest, clearly, largest
from snellen.instruments.attacks._norms import L2, TINY, Norm
from snellen.instruments.attacks._victim import Victim


@dataclass(frozen=True)
class DDN(Attack):
    """Steps up the cross-entropy, each put onto a sphere around the image whose radius is adapted to the image.

    ``d <- radius (d + a g / |g|) / |d + a g / |g||``; the radius is multiplied by ``1 - gamma`` where the point reached
    the goal and by ``1 + gamma`` where not; a goes from 1 to 0.01 along a cosine. The nearest point that reached the
    goal is the result. All is in float32 and nothing is rounded on the way.

    Args:
        norm: L2; a budget only bounds what counts.
        steps: of every image.
        gamma: by how much the radius changes a step.
        radius: the first, in units of pixels in [0, 1].

    Raises:
        UsageError: fewer than one step, gamma outside (0, 1), a radius that is not positive.

    Reference: Rony et al. 2019, Decoupling Direction and Norm for Efficient Gradient-Based L2 Adversarial Attacks and
    Defenses, arXiv 1811.09600.

    >>> from snellen.subject.network import Network
    >>> module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2))
    >>> found = DDN(steps=20)(Network(module), torch.rand(4, 3, 2, 2), torch.tensor([0, 0, 1, 1]))
    >>> found.images.shape
    torch.Size([4, 3, 2, 2])
    """

    norm: Norm = field(default_factory=L2)
    norms: ClassVar[tuple[type[Norm], ...]] = (L2,)
    needs_budget: ClassVar[bool] = False
    steps: int = 100
    gamma: float = 0.05
    radius: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.steps < 1 or not 0 < self.gamma < 1 or not self.radius > 0:
            raise UsageError(
                "steps must be at least 1, gamma lie between 0 and 1 and radius be positive, "
                f"got {self.steps}, {self.gamma} and {self.radius}"
            )

    def perturb(self, victim: Victim, originals: Pixels, draws: Draws) -> Pixels:  # noqa: ARG002
        nearest = Nearest(self.norm, originals)
        made, first = originals, torch.zeros(len(originals), device=originals.device)
        radius = torch.full((len(originals), 1, 1, 1), self.radius, device=originals.device)
        for step in range(self.steps):
            slope = victim.slope(made)
            first = largest(slope.scores) if not step else first
            reached = clearly(victim.goal, slope.scores, slope.achieved, first)
            nearest.take(made, reached)
            shrink = reached.view(-1, 1, 1, 1)
            if step:
                radius = radius * torch.where(shrink, 1 - self.gamma, 1 + self.gamma)
            size = 0.01 + 0.99 * (1 + math.cos(math.pi * step / self.steps)) / 2
            change = made - originals + size * self.norm.steepest(slope.gradient)
            length = change.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
            made = (originals + change * radius / length.clamp_min(TINY)).clamp(0, 1)
        look = victim.look(made)
        nearest.take(made, clearly(victim.goal, look.scores, look.achieved, first))
        return nearest.or_last(made)
