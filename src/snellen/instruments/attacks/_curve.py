"""Robust accuracy against the budget: the smallest budget, of those tried, that fools each image; in one pass."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from snellen._errors import UsageError
from snellen._shapes import Labels, Pixels
from snellen.instruments.attacks._base import Adversarial, Attack, as_goal
from snellen.instruments.attacks._climb import radius
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.attacks._goal import Goal
from snellen.instruments.attacks._lattice import inside, rounded
from snellen.instruments.attacks._norms import L0, L2, Linf, Norm
from snellen.instruments.attacks._victim import Blackbox, Victim
from snellen.instruments.attacks.fgsm import FGSM
from snellen.subject.network import Network

CLOSE = 1e-6


@dataclass(frozen=True, eq=False)
class Curve:
    """What each budget does. Who is fooled at a budget is fooled at every larger one, which holds the same pictures.

    Attributes:
        eps: budgets in rising order, as they are used (whole levels in Linf).
        found: the pictures at the smallest budget that fools, judged as those of any attack.
        smallest: (n,) float64, that budget; 0 where the original is taken for another class anyhow, infinite where no
            budget sufficed.
    """

    eps: tuple[float, ...]
    found: Adversarial
    smallest: Float[Tensor, "n"]

    @property
    def robust(self) -> tuple[int, ...]:
        """Images that are still right at each budget."""
        return tuple(int((self.smallest > eps).sum()) for eps in self.eps)


def curve(
    attack: Attack,
    network: Network | Blackbox,
    pixels: Pixels,
    labels: Labels | Goal,
    *,
    eps: Sequence[float],
    target: Labels | int | None = None,
    **call: Any,
) -> Curve:
    """Attack at many budgets, and use at each what the others found.

    - What looks for the least change (``needs_budget`` is False) runs once; the distances say all.
    - FGSM asks for one gradient an image. Its pictures at all budgets are looked at from the smallest on.
    - Any other attack begins at the largest budget. What it finds is shrunk into the smaller ones for as long as it
      fools, and the next attack is made at the first budget where it no longer does, until one fails. Success is
      cheap, because a climb stops there; of the attacks that fail, which take all their steps, an image costs one.

    Args:
        attack: its norm says which; the budget is replaced.
        network: as in calling the attack.
        pixels: (n, c, h, w) in [0, 1].
        labels: (n,) the true classes, or a goal.
        eps: budgets in the unit of the norm, in any order.
        target: as in calling the attack.
        call: ``seed``, ``batch_size``, ``through``, ``progress`` of the call.

    Raises:
        UsageError: no budget; an attack that makes one change for all images; what the attack's call refuses.

    >>> module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2, bias=False))
    >>> found = curve(FGSM(), Network(module), torch.rand(4, 3, 2, 2), torch.tensor([0, 0, 1, 1]), eps=(1.0, 0.1))
    >>> found.eps == (25 / 255, 1.0), found.robust[0] >= found.robust[1] == 0
    (True, True)
    """
    if not eps:
        raise UsageError("give at least one budget")
    if attack.joint:
        raise UsageError(f"{type(attack).__name__} makes one change for all images: attack at each budget in turn")
    ladder = tuple(sorted({replace(attack.norm, eps=_used(attack.norm, e)) for e in eps}, key=radius))
    runner = _runner(attack, ladder) if attack.needs_budget else attack
    goals = as_goal(labels, target, pixels).attempts()
    found = _nearest([runner(network, pixels, goal, **call) for goal in goals])
    limits = torch.tensor([0.0, *(radius(norm) for norm in ladder), torch.inf], dtype=torch.float64)
    index = torch.searchsorted(limits, found.distance.cpu() - CLOSE)
    return Curve(tuple(radius(norm) for norm in ladder), found, limits[index].to(found.distance.device))


def _used(norm: Norm, eps: float) -> float:
    return radius(replace(norm, eps=eps))


def _runner(attack: Attack, ladder: tuple[Norm, ...]) -> Attack:
    return _Ladder(ladder[-1], ladder) if isinstance(attack, FGSM) else _Descent(ladder[-1], ladder, attack)


def _nearest(founds: Sequence[Adversarial]) -> Adversarial:
    """Of several goals, the picture that is nearest."""
    best = torch.stack([found.distance for found in founds]).argmin(dim=0)
    rows = torch.arange(len(best), device=best.device)
    names = [each.name for each in fields(Adversarial) if each.name != "details"]
    picked = {name: torch.stack([getattr(found, name) for found in founds])[best, rows] for name in names}
    sums = {name: sum(found.details[name] for found in founds) for name in ("queries", "gradients", "flat")}
    return Adversarial(**picked, details={**founds[0].details, **sums})


def _within(made: Pixels, originals: Pixels, norm: Norm) -> Pixels:
    return rounded(inside(made.detach().float(), originals, norm), originals, norm)


@dataclass(frozen=True)
class _Ladder(Attack):
    """FGSM at several budgets in rising order, by one gradient."""

    norms: ClassVar[tuple[type[Norm], ...]] = (Linf, L2)
    ladder: tuple[Norm, ...] = ()

    def perturb(self, victim: Victim, originals: Pixels, draws: Draws) -> Pixels:
        del draws
        way = self.norm.steepest(victim.slope(originals).gradient)
        best, open_ = originals.clone(), torch.arange(len(originals), device=originals.device)
        for norm in self.ladder:
            tried = _within(originals[open_] + radius(norm) * way[open_], originals[open_], norm)
            reached = victim[open_].look_surely(tried).achieved
            best[open_[reached]] = tried[reached]
            open_ = open_[~reached]
            if len(open_) == 0:
                break
        return best


@dataclass(frozen=True)
class _Descent(Attack):
    """An attack at several budgets in falling order, each image until the first that fails."""

    norms: ClassVar[tuple[type[Norm], ...]] = (Linf, L2, L0)
    ladder: tuple[Norm, ...] = ()
    attack: Attack = field(default_factory=FGSM)

    def perturb(self, victim: Victim, originals: Pixels, draws: Draws) -> Pixels:
        best = originals.clone()
        fooled_at = torch.full((len(originals),), len(self.ladder), device=originals.device)
        open_ = torch.arange(len(originals), device=originals.device)
        while len(open_):
            fooled = []
            for index in (fooled_at[open_] - 1).unique().tolist():
                rows, norm = open_[fooled_at[open_] == index + 1], self.ladder[index]
                made = replace(self.attack, norm=norm).perturb(victim[rows], originals[rows], draws[rows])
                made = _within(made, originals[rows], norm)
                reached = victim[rows].look_surely(made).achieved
                rows = rows[reached]
                if len(rows):
                    best[rows], fooled_at[rows] = self._shrunk(victim[rows], originals[rows], made[reached], index)
                    fooled.append(rows[fooled_at[rows] > 0])
            open_ = torch.cat(fooled) if fooled else open_[:0]
        return best

    def _shrunk(self, victim: Victim, originals: Pixels, made: Pixels, index: int) -> tuple[Pixels, Int[Tensor, "n"]]:
        """The pictures in the smallest budgets in which they still fool, and which these are."""
        best, at = made.clone(), torch.full((len(made),), index, device=made.device)
        open_ = torch.arange(len(made), device=made.device)
        for smaller in reversed(range(index)):
            tried = _within(made[open_], originals[open_], self.ladder[smaller])
            reached = victim[open_].look_surely(tried).achieved
            open_ = open_[reached]
            if len(open_) == 0:
                break
            best[open_], at[open_] = tried[reached], smaller
        return best, at
