"""FAB: along linearised boundaries to the nearest image that another class claims."""

from dataclasses import dataclass, field
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from snellen._errors import UsageError
from snellen._shapes import Pixels
from snellen.instruments.attacks._base import Attack
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.attacks._hyperplane import towards
from snellen.instruments.attacks._norms import L2, TINY, Linf, Norm
from snellen.instruments.attacks._pairs import pairs
from snellen.instruments.attacks._victim import Victim, negative_margin

SEARCH = 10  # looks of the last search between the best point and the image
PUSH = 0.05  # of the first margin, where the scores changed sides and the outputs did not


@dataclass(frozen=True)
class FAB(Attack):
    """The least change: steps onto the linearised boundary, drawn to the image, and back inside when across.

    With d(x) the smallest change within the box that brings x onto the hyperplane ``f + gradient . d = 0`` of the
    margin f to one class, ``x' = (1 - a) (x + o d(x)) + a (x0 + o d(x0))``, where o is ``overshoot`` and
    ``a = min(|d(x)| / (|d(x)| + |d(x0)|), pull)``; where x' reaches the goal, it is kept if nearest so far and
    ``x' <- x0 + back (x' - x0)``. This is the targeted form, FAB-T: the classes next in rank are tried one by one.
    A last search halves the way between ``back`` and the best point.

    Args:
        norm: Linf or L2; a budget only bounds what counts.
        targets: classes tried; a target of the caller's is the only one.
        steps: for each class and start.
        restarts: starts, the first at the image, the others at random within half of the best distance.
        pull: the largest a.
        overshoot: past the hyperplane, at least 1.
        back: in (0, 1).

    Raises:
        UsageError: counts below one, shares out of range.

    Reference: Croce and Hein 2020, Minimally Distorted Adversarial Examples with a Fast Adaptive Boundary Attack,
    arXiv 1907.02044.

    >>> from snellen.subject.network import Network
    >>> module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2))
    >>> found = FAB(L2(), steps=5)(Network(module), torch.full((1, 3, 2, 2), 0.5), torch.tensor([0]))
    >>> found.images.shape
    torch.Size([1, 3, 2, 2])
    """

    norm: Norm = field(default_factory=Linf)
    norms: ClassVar[tuple[type[Norm], ...]] = (Linf, L2)
    needs_budget: ClassVar[bool] = False
    targets: int = 9
    steps: int = 100
    restarts: int = 1
    pull: float = 0.1
    overshoot: float = 1.05
    back: float = 0.9

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.targets, self.steps, self.restarts) < 1:
            raise UsageError(
                f"targets, steps and restarts must be at least 1, got {self.targets}, {self.steps} and {self.restarts}"
            )
        if not (0 <= self.pull <= 1 and self.overshoot >= 1 and 0 < self.back < 1):
            raise UsageError(
                "pull must lie in [0, 1], overshoot be at least 1 and back lie between 0 and 1, "
                f"got {self.pull}, {self.overshoot} and {self.back}"
            )

    def perturb(self, victim: Victim, originals: Pixels, draws: Draws) -> Pixels:
        nearest = _Nearest(self.norm, originals)
        for rank, goal in enumerate(pairs(victim.goal, victim.look(originals).scores, self.targets)):
            these = victim.towards(goal)
            for restart in range(self.restarts):
                start = originals
                if restart:
                    start = self._elsewhere(originals, nearest.size, draws.split(rank * self.restarts + restart))
                self._walk(these, originals, start, nearest)
        self._search(victim, originals, nearest)
        return nearest.images

    def _walk(self, victim: Victim, originals: Pixels, start: Pixels, nearest: "_Nearest") -> None:
        made, first = start, None
        for _ in range(self.steps):
            slope = victim.slope(made, negative_margin)
            nearest.take(made, slope.achieved)
            if not slope.gradient.any():
                return
            first = slope.loss.abs() if first is None else first
            # scores may change sides before the outputs do: a tie of saturated outputs, a regression's own threshold
            need = torch.where((slope.loss < 0) | slope.achieved, -slope.loss, PUSH * first)
            made = self._nearer(made, originals, slope.gradient, need)
            across = victim.look(made).achieved
            nearest.take(made, across)
            made = torch.where(across.view(-1, 1, 1, 1), originals + self.back * (made - originals), made)

    def _nearer(self, made: Pixels, originals: Pixels, gradient: Pixels, need: Float[Tensor, "n"]) -> Pixels:
        """Onto the hyperplane from the point, and from the image, mixed."""
        shift = (gradient * (made - originals)).flatten(1).sum(dim=1)
        own = towards(made, gradient, need, self.norm)
        other = towards(originals, gradient, need + shift, self.norm)
        a, b = self.norm.size(own), self.norm.size(other)
        share = (a / (a + b + TINY)).clamp(max=self.pull).to(made.dtype).view(-1, 1, 1, 1)
        ahead, direct = made + self.overshoot * own, originals + self.overshoot * other
        return ((1 - share) * ahead + share * direct).clamp(0, 1)

    def _elsewhere(self, originals: Pixels, size: Float[Tensor, "n"], draws: Draws) -> Pixels:
        unit = type(self.norm)(1.0)
        noise = unit.drawn(originals.shape, draws).to(originals.device)
        reach = size.clamp(max=self.norm.eps if self.norm.bounded else 1.0) / 2
        return (originals + noise * reach.to(noise.dtype).view(-1, 1, 1, 1)).clamp(0, 1)

    def _search(self, victim: Victim, originals: Pixels, nearest: "_Nearest") -> None:
        best = nearest.images.clone()
        low, high = torch.full_like(nearest.size, self.back), torch.ones_like(nearest.size)
        for _ in range(SEARCH):
            middle = (low + high) / 2
            made = originals + middle.to(best.dtype).view(-1, 1, 1, 1) * (best - originals)
            across = victim.look(made).achieved
            nearest.take(made, across)
            low, high = torch.where(across, low, middle), torch.where(across, middle, high)


class _Nearest:
    """The nearest image so far that reaches the goal, of each; the original where there is none."""

    def __init__(self, norm: Norm, originals: Pixels) -> None:
        self._norm, self._originals = norm, originals
        self.images = originals.clone()
        self.size = torch.full((len(originals),), torch.inf, dtype=torch.float64, device=originals.device)

    def take(self, made: Pixels, reached: Tensor) -> None:
        size = self._norm.size(made - self._originals)
        better = reached & (size < self.size)
        self.images[better], self.size[better] = made[better], size[better]
