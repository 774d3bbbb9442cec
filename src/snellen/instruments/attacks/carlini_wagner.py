"""Carlini and Wagner: the least change whose margin is reached, its constant solved for at every step."""

from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from snellen._errors import UsageError
from snellen._shapes import Pixels
from snellen.instruments._precision import fast_bfloat16
from snellen.instruments.attacks._base import Attack
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.attacks._fewest import fewest
from snellen.instruments.attacks._hyperplane import towards
from snellen.instruments.attacks._nearest import Nearest, clearly, largest
from snellen.instruments.attacks._norms import L0, L2, TINY, Linf, Norm
from snellen.instruments.attacks._victim import Victim, negative_margin

FIRST_PUSH, PUSH = 0.1, 0.02  # past the boundary, in parts of the first margin: before and after it was crossed
WORTH = 0.99  # a smaller change counts as progress below this part of the best
PULL, WEAKER = 0.5, 0.8
GROWTH = (1.02, 1.05, 1.15, 1.4, 2.0, 4.0, 16.0)


@dataclass(frozen=True)
class CarliniWagner(Attack):
    """The least change: ``minimise |d|^2 + c max(margin(x + d) + confidence, 0)`` over d in the box and over c.

    With the margin linearised at the current point the minimiser has a closed form for every c, so no c is searched
    for: at each step the smallest that reaches the goal gives the point of the linearised boundary nearest to the
    image, within [0, 1], and the next point lies between it and the point nearest to the current one. How far it is
    drawn is adapted to each image: less after a step that lost the goal. An image is finished when it has not come
    nearer by 1 % in ``patience`` steps. In L0 pixels are added at the ends of their range and taken away again.

    Args:
        norm: L2, Linf or L0; a budget only bounds what counts.
        steps: at most.
        patience: steps without progress after which an image is left.
        confidence: how far past the boundary, in units of the scores.
        precision: of the slopes; ``auto`` is bfloat16 where the device is fast in it. Results are judged in float32.

    Raises:
        UsageError: counts below one, a negative confidence, an unknown precision.

    Reference: Carlini and Wagner 2017, Towards Evaluating the Robustness of Neural Networks, arXiv 1608.04644.

    >>> from snellen.subject.network import Network
    >>> module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2))
    >>> found = CarliniWagner()(Network(module), torch.rand(4, 3, 2, 2), torch.tensor([0, 0, 1, 1]))
    >>> found.float_distance.shape, bool((found.float_distance[found.already] == 0).all())
    (torch.Size([4]), True)
    """

    norm: Norm = field(default_factory=L2)
    norms: ClassVar[tuple[type[Norm], ...]] = (L2, Linf, L0)
    needs_budget: ClassVar[bool] = False
    steps: int = 30
    patience: int = 3
    confidence: float = 0.0
    precision: Literal["auto", "float32"] = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.steps, self.patience) < 1:
            raise UsageError(f"steps and patience must be at least 1, got {self.steps} and {self.patience}")
        if not self.confidence >= 0:
            raise UsageError(f"confidence must not be negative, got {self.confidence}")
        if self.precision not in ("auto", "float32"):
            raise UsageError(f"precision must be auto or float32, got {self.precision!r}")

    def perturb(self, victim: Victim, originals: Pixels, draws: Draws) -> Pixels:  # noqa: ARG002
        if isinstance(self.norm, L0):
            return fewest(victim, originals, self.steps, self.confidence)
        low = self.precision == "auto" and fast_bfloat16(originals.device)
        made, missed = self._confirmed(victim, originals, *self._descend(replace(victim, low=low), originals))
        if low and len(missed):
            exact = self._descend(victim[missed], originals[missed])
            made[missed], _ = self._confirmed(victim[missed], originals[missed], *exact)
        return made

    def _descend(self, victim: Victim, originals: Pixels) -> tuple[Pixels, Float[Tensor, "n"], Float[Tensor, "n"]]:
        """The nearest points found, how much the scores gain along each change, and the largest first score."""
        nearest = Nearest(self.norm, originals)
        count, device = len(originals), originals.device
        rows, made, last = torch.arange(count, device=device), originals, originals.clone()
        pull, gain = torch.full((count,), PULL, device=device), torch.zeros(count, device=device)
        first, scale, stale = gain, gain, torch.zeros(count, dtype=torch.long, device=device)
        for step in range(self.steps):
            slope = victim[rows].slope(made, negative_margin)
            margin = self.confidence - slope.loss
            if not step:
                first, scale = margin.abs(), largest(slope.scores)
            across = slope.achieved & (margin < 0) & (step > 0)
            along = _along(slope.gradient, made - originals[rows])
            won, before = torch.isfinite(nearest.size[rows]), nearest.size[rows]
            nearest.take(made, across, rows)
            now = nearest.size[rows]
            gain[rows] = torch.where(now < before, along, gain[rows])
            stale[rows] = torch.where(won & (now >= WORTH * before), stale[rows] + 1, 0)
            pull[rows] = torch.where(won & ~across, pull[rows] * WEAKER, pull[rows])
            last[rows] = made
            left = stale[rows] < self.patience
            if not left.any():
                break
            rows, first, won = rows[left], first[left], torch.isfinite(now[left])
            push = torch.where(won, PUSH, FIRST_PUSH) * first
            # scores may change sides before the outputs do: then the margin is no guide, and steps go on outwards
            lost = (margin[left] < 0) & ~across[left]
            ahead = torch.where(lost, 0.0, margin[left])
            drawn = torch.where(won, pull[rows], 0.0)
            made = self._step(made[left], originals[rows], slope.gradient[left], ahead, push, drawn)
        return nearest.or_last(last), gain, scale

    def _step(
        self,
        made: Pixels,
        originals: Pixels,
        gradient: Pixels,
        margin: Float[Tensor, "n"],
        push: Float[Tensor, "n"],
        pull: Float[Tensor, "n"],
    ) -> Pixels:
        """``push`` past the linearised boundary: nearest to the point and, by ``pull``, to the image."""
        need = margin + push
        ahead = made + towards(made, gradient, need, self.norm)
        if pull.any():
            reach = need + _along(gradient, made - originals)
            direct = originals + towards(originals, gradient, reach, self.norm)
            share = pull.view(-1, 1, 1, 1)
            ahead = (1 - share) * ahead + share * direct
        return ahead.clamp(0, 1)

    def _confirmed(
        self, victim: Victim, originals: Pixels, made: Pixels, gain: Float[Tensor, "n"], scale: Float[Tensor, "n"]
    ) -> tuple[Pixels, Tensor]:
        """What float32 does not confirm is carried on along its change, as far as the slope says, then further.

        Also returned are the rows that were still not confirmed.
        """
        images, rows, change = made.clone(), torch.arange(len(made), device=made.device), made - originals
        factor = torch.ones(len(made), device=made.device)
        for growth in GROWTH:
            look = victim[rows].look(images[rows])
            margin = victim.goal[rows].margin(look.scores) + self.confidence
            missed = ~clearly(victim.goal[rows], look.scores, look.achieved, scale[rows]) | (margin > 0)
            rows, margin = rows[missed], margin[missed]
            if len(rows) == 0:
                break
            short = (margin.clamp_min(0) / gain[rows].clamp_min(TINY)).clamp(max=1)
            factor[rows] *= growth + short
            images[rows] = (originals[rows] + factor[rows].view(-1, 1, 1, 1) * change[rows]).clamp(0, 1)
        return images, rows


def _along(gradient: Pixels, change: Pixels) -> Float[Tensor, "n"]:
    return (gradient * change).flatten(1).sum(dim=1)
