"""Fast minimum-norm: steps up the margin within a ball that closes on the boundary."""

import math
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from snellen._errors import UsageError
from snellen._shapes import Pixels
from snellen.instruments.attacks._base import Attack
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.attacks._nearest import Nearest, clearly, largest
from snellen.instruments.attacks._norms import L0, L2, TINY, Linf, Norm
from snellen.instruments.attacks._victim import DOUBT, Victim, negative_margin

LAST_GAMMA, LAST_STEP = 0.001, 0.001


@dataclass(frozen=True)
class FMN(Attack):
    """Steps of a fixed length up the margin, each projected into a ball whose radius is adapted to the image.

    Where the point reaches the goal, the radius becomes ``min(radius, best) (1 - gamma)``; where it once did, ``radius
    (1 + gamma)``; before, the distance to the linearised boundary in the norm, ``|d| + margin / |g|_dual``. Step length
    and gamma fall along a cosine. In L0 the radius counts pixels, and the pixels that change most are kept.

    Args:
        norm: L2, Linf or L0; a budget only bounds what counts.
        steps: of every image.
        step: Euclidean length of the first step.
        gamma: by how much the radius changes at first.

    Raises:
        UsageError: fewer than one step, a step that is not positive, gamma outside (0, 1).

    Reference: Pintor et al. 2021, Fast Minimum-norm Adversarial Attacks through Adaptive Norm Constraints, arXiv
    2102.12827.

    >>> from snellen.subject.network import Network
    >>> module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2))
    >>> found = FMN(steps=20)(Network(module), torch.rand(4, 3, 2, 2), torch.tensor([0, 0, 1, 1]))
    >>> found.images.shape
    torch.Size([4, 3, 2, 2])
    """

    norm: Norm = field(default_factory=L2)
    norms: ClassVar[tuple[type[Norm], ...]] = (L2, Linf, L0)
    needs_budget: ClassVar[bool] = False
    steps: int = 100
    step: float = 1.0
    gamma: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.steps < 1 or not 0 < self.gamma < 1 or not self.step > 0:
            raise UsageError(
                "steps must be at least 1, gamma lie between 0 and 1 and step be positive, "
                f"got {self.steps}, {self.gamma} and {self.step}"
            )

    def perturb(self, victim: Victim, originals: Pixels, draws: Draws) -> Pixels:  # noqa: ARG002
        nearest = Nearest(self.norm, originals)
        made, first = originals, torch.zeros(len(originals), device=originals.device)
        radius = torch.full((len(originals),), torch.inf, dtype=torch.float64, device=originals.device)
        for step in range(self.steps):
            share = (1 + math.cos(math.pi * step / self.steps)) / 2
            gamma = LAST_GAMMA + (self.gamma - LAST_GAMMA) * share
            slope = victim.slope(made, negative_margin)
            first = largest(slope.scores) if not step else first
            reached = clearly(victim.goal, slope.scores, slope.achieved, first)
            nearest.take(made, reached)
            margin = 2 * DOUBT * first - slope.loss
            radius = self._radius(radius, nearest, made - originals, slope.gradient, margin, reached, gamma)
            length = LAST_STEP + (self.step - LAST_STEP) * share
            way = slope.gradient / slope.gradient.flatten(1).norm(dim=1).clamp_min(TINY).view(-1, 1, 1, 1)
            made = (originals + projected(made + length * way - originals, radius, self.norm)).clamp(0, 1)
        look = victim.look(made)
        nearest.take(made, clearly(victim.goal, look.scores, look.achieved, first))
        return nearest.or_last(made)

    def _radius(
        self,
        radius: Tensor,
        nearest: Nearest,
        change: Pixels,
        gradient: Pixels,
        margin: Tensor,
        reached: Tensor,
        gamma: float,
    ) -> Float[Tensor, "n"]:
        count = isinstance(self.norm, L0)
        closer, wider = radius * (1 - gamma), radius * (1 + gamma)
        if count:
            closer, wider = torch.minimum(closer.floor(), radius - 1), torch.maximum(wider.ceil(), radius + 1)
        inner = torch.minimum(closer, nearest.size - 1 if count else nearest.size)
        need = margin.double().clamp_min(0)
        if count:
            gain = (gradient.abs().sum(dim=1).flatten(1).double()).sort(dim=1, descending=True).values.cumsum(dim=1)
            ahead = (gain < need[:, None]).sum(dim=1).double() + 1
        else:
            flat = gradient.flatten(1).double()
            ahead = need / flat.norm(p=1 if isinstance(self.norm, Linf) else 2, dim=1).clamp_min(TINY)
        far = self.norm.size(change) + ahead
        never = torch.isinf(nearest.size)
        # scores may change sides before the outputs do: then the margin says nothing of the way that is left
        guided = never & (margin > 0)
        return torch.where(reached, inner, torch.where(guided, far, wider)).clamp_min(1 if count else 0)


def projected(change: Pixels, radius: Float[Tensor, "n"], norm: Norm) -> Pixels:
    """The nearest change within each image's own radius.

    >>> from snellen.instruments.attacks._norms import L2
    >>> projected(torch.full((1, 1, 2, 2), 3.0), torch.tensor([3.0]), L2()).flatten()
    tensor([1.5000, 1.5000, 1.5000, 1.5000])
    """
    each = radius.to(change.dtype).view(-1, 1, 1, 1)
    if isinstance(norm, Linf):
        return torch.minimum(torch.maximum(change, -each), each)
    if isinstance(norm, L2):
        length: Tensor = change.flatten(1).norm(dim=1).clamp_min(TINY).view(-1, 1, 1, 1)
        return change * (each / length).clamp(max=1)
    weight = change.square().sum(dim=1).flatten(1)
    rank = weight.argsort(dim=1, descending=True, stable=True).argsort(dim=1, stable=True)
    few: Tensor = (rank < radius[:, None]).view(len(change), 1, *change.shape[2:])
    return change * few
