"""Auto-PGD: projected gradient descent with momentum that finds its own step size."""

from dataclasses import dataclass, fields, replace
from typing import ClassVar, Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from snellen._errors import UsageError
from snellen._shapes import Logits, Pixels
from snellen.instruments.attacks._base import Attack
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.attacks._goal import Goal
from snellen.instruments.attacks._lattice import inside, rounded
from snellen.instruments.attacks._norms import L2, TINY, Linf, Norm
from snellen.instruments.attacks._pairs import Pair, pairs
from snellen.instruments.attacks._victim import Slope, Victim, cross_entropy

FIRST, SHRINK, LEAST = 0.22, 0.03, 0.06
"""The first window between checkpoints, by how much each is shorter, and the last, as parts of all steps."""
MOMENTUM = 0.75


@dataclass(frozen=True)
class APGD(Attack):
    """Steepest ascent with momentum; the step of an image is halved, from its best point, whenever it stops to climb.

    ``z = project(x + step * steepest(gradient)); x' = project(x + 0.75 (z - x) + 0.25 (x - x_before))``, the step at
    first twice the budget. At each checkpoint an image starts again from its best point with half the step if fewer
    than ``rho`` of the steps climbed, or if neither step nor best loss changed since the last.

    The losses: ``ce``, the cross-entropy; ``dlr``, the margin over ``z1 - z3``, the first less the third of the sorted
    scores, so that the scale of the scores does not matter; ``targeted``, the margin to each of the classes next in
    rank over ``z1 - (z3 + z4) / 2``. With three classes z4 is left out. With two, or with one output, there is no
    third score and the margin itself is climbed. A target of the caller's, or a regression, leaves ``targeted`` one
    class to go to.

    Args:
        norm: Linf or L2, with a budget.
        loss: ``ce``, ``dlr`` or ``targeted``.
        steps: at most, each start.
        restarts: random starts in turn for images that resist.
        targets: classes tried one after another by ``targeted``.
        rho: share of steps that must climb, in (0, 1).

    Raises:
        UsageError: an unknown loss, counts below one, rho out of range.

    Reference: Croce and Hein 2020, Reliable Evaluation of Adversarial Robustness with an Ensemble of Diverse
    Parameter-free Attacks, arXiv 2003.01690.

    >>> from snellen.subject.network import Network
    >>> module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2))
    >>> attack = APGD(Linf(1.0), loss="dlr", steps=10)
    >>> found = attack(Network(module), torch.rand(4, 3, 2, 2), torch.tensor([0, 0, 1, 1]))
    >>> found.images.shape, bool((found.distance <= 1).all())
    (torch.Size([4, 3, 2, 2]), True)
    """

    norms: ClassVar[tuple[type[Norm], ...]] = (Linf, L2)
    loss: Literal["ce", "dlr", "targeted"] = "ce"
    steps: int = 100
    restarts: int = 1
    targets: int = 9
    rho: float = 0.75

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.loss not in ("ce", "dlr", "targeted"):
            raise UsageError(f"loss must be ce, dlr or targeted, got {self.loss!r}")
        if min(self.steps, self.restarts, self.targets) < 1:
            raise UsageError(
                f"steps, restarts and targets must be at least 1, got {self.steps}, {self.restarts} and {self.targets}"
            )
        if not 0 < self.rho < 1:
            raise UsageError(f"rho must lie between 0 and 1, got {self.rho}")

    def perturb(self, victim: Victim, originals: Pixels, draws: Draws) -> Pixels:
        goals = [victim.goal]
        if self.loss == "targeted":
            goals = [*pairs(victim.goal, victim.look(originals).scores, self.targets)]
        best, open_ = originals.clone(), torch.arange(len(originals), device=originals.device)
        for number in range(len(goals) * self.restarts):
            these = victim[open_].towards(goals[number // self.restarts][open_])
            noise = self.norm.drawn(originals[open_].shape, draws[open_].split(number)).to(originals.device)
            best[open_], reached = self._climb(these, originals[open_], noise)
            open_ = open_[~reached]
            if len(open_) == 0:
                break
        return best

    def _climb(self, victim: Victim, originals: Pixels, noise: Pixels) -> tuple[Pixels, Bool[Tensor, "n"]]:
        """The pictures that reach the goal; of the others the one of the highest loss."""
        loss = cross_entropy if self.loss == "ce" else dlr
        made = inside(originals + noise, originals, self.norm)
        out = rounded(made, originals, self.norm)
        slope = victim.slope(out, loss)
        climb, reached = _Climb.at(made, slope, 2 * self._radius), slope.achieved.clone()
        climb = climb[~reached]
        window, since = max(int(FIRST * self.steps), 1), 0
        for step in range(self.steps):
            if len(climb.rows) == 0:
                return out, reached
            around = originals[climb.rows]
            made = self._stepped(climb, around, MOMENTUM if step else 1.0)
            seen = rounded(made, around, self.norm)
            slope = victim[climb.rows].slope(seen, loss)
            won = climb.rows[slope.achieved]
            out[won], reached[won] = seen[slope.achieved], True
            climb, since = climb.moved(made, slope)[~slope.achieved], since + 1
            if since == window:
                climb, since = climb.checked(self.rho * window), 0
                window = max(window - max(int(SHRINK * self.steps), 1), max(int(LEAST * self.steps), 1))
        out[climb.rows] = rounded(climb.best, originals[climb.rows], self.norm)
        return out, reached

    def _stepped(self, climb: "_Climb", originals: Pixels, share: float) -> Pixels:
        there = inside(climb.made + climb.step * self.norm.steepest(climb.gradient), originals, self.norm)
        mixed = climb.made + share * (there - climb.made) + (1 - share) * (climb.made - climb.before)
        return inside(mixed, originals, self.norm)

    @property
    def _radius(self) -> float:
        return self.norm.radius if isinstance(self.norm, Linf) else self.norm.eps


def dlr(scores: Logits, goal: Goal) -> Float[Tensor, "n"]:
    """The margin towards the goal over the spread of the scores; the margin alone where there are fewer than three.

    >>> from snellen.instruments.attacks._goal import Untargeted
    >>> dlr(torch.tensor([[5.0, 2.0, 1.0]]), Untargeted(torch.tensor([0])))
    tensor([-0.7500])
    """
    if not goal.classes or scores.shape[1] < 3:
        return -goal.margin(scores)
    ranked = scores.sort(dim=1, descending=True).values
    low = ranked[:, 2:4].mean(dim=1) if isinstance(goal, Pair) else ranked[:, 2]
    return -goal.margin(scores) / (ranked[:, 0] - low + TINY)


@dataclass(frozen=True, eq=False)
class _Climb:
    """Where each image stands, where it was best, and how it climbed since the last checkpoint."""

    rows: Int[Tensor, "n"]
    made: Pixels
    before: Pixels
    gradient: Pixels
    step: Float[Tensor, "n 1 1 1"]
    loss: Float[Tensor, "n"]
    best: Pixels
    best_gradient: Pixels
    best_loss: Float[Tensor, "n"]
    last_best: Float[Tensor, "n"]
    rises: Int[Tensor, "n"]
    halved: Bool[Tensor, "n"]

    @staticmethod
    def at(made: Pixels, slope: Slope, step: float) -> "_Climb":
        rows = torch.arange(len(made), device=made.device)
        steps = torch.full((len(made), 1, 1, 1), step, device=made.device)
        best = made, slope.gradient, slope.loss, slope.loss
        return _Climb(rows, made, made, slope.gradient, steps, slope.loss, *best, 0 * rows, rows >= 0)

    def __getitem__(self, kept: Tensor) -> "_Climb":
        return _Climb(*(getattr(self, field.name)[kept] for field in fields(self)))

    def moved(self, made: Pixels, slope: Slope) -> "_Climb":
        better = slope.loss > self.best_loss
        wide = better.view(-1, 1, 1, 1)
        return replace(
            self,
            made=made,
            before=self.made,
            gradient=slope.gradient,
            loss=slope.loss,
            best=torch.where(wide, made, self.best),
            best_gradient=torch.where(wide, slope.gradient, self.best_gradient),
            best_loss=torch.where(better, slope.loss, self.best_loss),
            rises=self.rises + (slope.loss > self.loss),
        )

    def checked(self, wanted: float) -> "_Climb":
        """Images that climbed too seldom, or got nowhere with the step they had, go back to their best point."""
        stuck = (self.rises < wanted) | (~self.halved & (self.best_loss <= self.last_best))
        wide = stuck.view(-1, 1, 1, 1)
        return replace(
            self,
            made=torch.where(wide, self.best, self.made),
            gradient=torch.where(wide, self.best_gradient, self.gradient),
            step=torch.where(wide, self.step / 2, self.step),
            last_best=self.best_loss,
            rises=torch.zeros_like(self.rises),
            halved=stuck,
        )
