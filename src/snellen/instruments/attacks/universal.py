"""One change for all images: what it does to those it has never seen is the point."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from snellen._errors import UsageError
from snellen._shapes import Pixels
from snellen.instruments.attacks._base import Attack
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.attacks._joint import batches, chosen, note, smooth_count, typical_margin
from snellen.instruments.attacks._lattice import LEVELS, inside
from snellen.instruments.attacks._norms import L2, Linf, Norm
from snellen.instruments.attacks._victim import Victim


@dataclass(frozen=True)
class Universal(Attack):
    """One perturbation that is added to every image, learned from some of them by stochastic gradient steps.

    ``d <- project(d + step * steepest(slope of sum over a batch of sigmoid(-margin / mean margin)))``: a smooth count
    of the images that reach their goals climbs; those within reach pull, hopeless ones do not. Of the changes after
    each pass the one that moves most of the learned images is kept. ``details`` hold ``perturbation`` (1, c, h, w) on
    levels, for a regression one for each way, and ``learned``, the places of the images it was learned from;
    :func:`..._joint.held_out` gives the others, on which its rate is an honest one.

    Args:
        norm: Linf or L2, with a budget.
        steps: batches in all.
        step: size of the first, in the norm; it falls to 0. A fifth of the budget if not given.
        share: part of the images that it is learned from, above 0; at least one.

    Raises:
        UsageError: fewer than one step, a share outside (0, 1].

    Reference: Moosavi-Dezfooli et al. 2017, Universal adversarial perturbations, arXiv 1610.08401; the stochastic
    gradient: Shafahi et al. 2020, Universal Adversarial Training, arXiv 1811.11304.

    >>> from snellen.subject.network import Network
    >>> module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2))
    >>> found = Universal(Linf(0.2), steps=4)(Network(module), torch.rand(8, 3, 2, 2), torch.arange(8) % 2)
    >>> found.details["perturbation"].shape, len(found.details["learned"]) <= 4
    (torch.Size([1, 3, 2, 2]), True)
    """

    norms: ClassVar[tuple[type[Norm], ...]] = (Linf, L2)
    joint: ClassVar[bool] = True
    steps: int = 200
    step: float | None = None
    share: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.steps < 1 or not 0 < self.share <= 1:
            raise UsageError(f"steps must be at least 1 and share in (0, 1], got {self.steps} and {self.share}")

    def perturb(self, victim: Victim, originals: Pixels, draws: Draws) -> Pixels:
        learned = chosen(draws, self.share)
        change = self._learn(victim[learned], originals[learned.to(originals.device)], draws[learned])
        note(victim, learned, "perturbation", change)
        return inside(originals + change, originals, self.norm)

    def _learn(self, victim: Victim, originals: Pixels, draws: Draws) -> Pixels:
        loss = smooth_count(typical_margin(victim, originals))
        change, best, most = torch.zeros_like(originals[:1]), torch.zeros_like(originals[:1]), -1
        first = self.step if self.step is not None else self._radius / 5
        for number, rows in enumerate(batches(draws, victim.batch_size, self.steps)):
            slope = victim[rows].slope(self._moved(originals[rows.to(originals.device)], change), loss)
            gradient = slope.gradient.sum(dim=0, keepdim=True)
            change = self.norm.project(change + first * (1 - number / self.steps) * self.norm.steepest(gradient))
            if number + 1 == self.steps or (number + 1) % -(-len(originals) // victim.batch_size) == 0:
                whole = self._whole(change)
                reached = int(victim.look(self._moved(originals, whole)).achieved.sum())
                if reached >= most:
                    best, most = whole, reached
        return best

    def _moved(self, originals: Pixels, change: Pixels) -> Pixels:
        return inside(originals + change, originals, self.norm)

    def _whole(self, change: Pixels) -> Pixels:
        """The change on levels; in L2 towards 0, which keeps its length within the budget."""
        exact = change * LEVELS
        return (exact.round() if isinstance(self.norm, Linf) else exact.trunc()) / LEVELS

    @property
    def _radius(self) -> float:
        return self.norm.radius if isinstance(self.norm, Linf) else self.norm.eps
