"""Carlini and Wagner: the least change whose margin is reached, its constant solved for at every step."""

from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal, TypeAlias

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
from snellen.instruments.attacks._lattice import snapped
from snellen.instruments.attacks._nearest import Nearest, clearly, largest
from snellen.instruments.attacks._norms import L0, L2, TINY, Linf, Norm
from snellen.instruments.attacks._victim import DOUBT, Victim, negative_margin

Each: TypeAlias = Float[Tensor, "n"]
PULL, WEAKER = 0.6, 0.8  # towards the image: at first, and its part after a point that missed the boundary
MISSED, TRUSTED = 0.05, 0.3  # of the first margin: a point missed; too far away for the distance to be told
LEAST = 0.01  # of the largest score: smaller first margins are taken for as large
WORTH = 0.95  # a smaller distance counts as progress below this part of the best
AIM, CLOSE = 0.01, 0.03  # past the boundary, of the first margin: where a point is wanted, and where it is left
GROWTH = (1.0, 1.02, 1.05, 1.15, 1.4, 2.0, 4.0, 16.0)


@dataclass(frozen=True)
class CarliniWagner(Attack):
    """The least change: ``minimise |d|^2 + c max(margin(x + d) + confidence, 0)`` over d in the box and over c.

    The paper descends this objective by Adam, behind a tanh that keeps x + d in the box, for one c after another. Here
    the same objective is solved for the margin linearised at the current point, where the minimiser within [0, 1] has a
    closed form for every c: the smallest c that reaches the goal is the one whose minimiser lies on the linearised
    boundary, so that no c is searched for. The next point is drawn from there towards the current one, less towards
    the image after a point that missed the boundary. An image is finished when the distance of the boundary along its
    change, as the slope tells it, has not become less by 5 % in ``patience`` steps; at last its change is stretched or
    shortened until it ends just past the boundary as float32 sees it. In Linf the first step is the one of L2, made
    for its slope alone: signs taken at the image itself lead to a farther part of the boundary more often. In L0 the
    L2 attack comes first; then pixels are given up, those that matter least, as long as the others can be made to
    suffice: it succeeds wherever L2 does.

    Args:
        norm: L2, Linf or L0; a budget only bounds what counts.
        steps: at most; in L0 those of the L2 attack.
        patience: steps without progress after which an image is left; 1 is quick, 3 a little nearer.
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
    patience: int = 1
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

    def perturb(self, victim: Victim, originals: Pixels, draws: Draws) -> Pixels:
        if isinstance(self.norm, L0):
            start = replace(self, norm=L2()).perturb(victim, originals, draws)
            return fewest(victim, originals, start, self.confidence)
        low = self.precision == "auto" and fast_bfloat16(originals.device)
        made, missed = self._landed(victim, originals, *self._descend(replace(victim, low=low), originals))
        if low and len(missed):
            exact = self._descend(victim[missed], originals[missed])
            made[missed], _ = self._landed(victim[missed], originals[missed], *exact)
        return made

    def _descend(self, victim: Victim, originals: Pixels) -> tuple[Pixels, Each, Each, Each]:
        """Points near the boundary, how much the scores gain along each change, first margin and largest score."""
        nearest = Nearest(self.norm, originals)
        count, device = len(originals), originals.device
        rows, made, last = torch.arange(count, device=device), originals, originals.clone()
        pull, gain = torch.full((count,), PULL, device=device), torch.zeros(count, device=device)
        first, scale, stale = gain, gain, torch.zeros(count, dtype=torch.long, device=device)
        for step in range(self.steps):
            slope = victim[rows].slope(made, negative_margin)
            change = made - originals[rows]
            margin, along = self.confidence - slope.loss, _dot(slope.gradient, change)
            if not step:
                scale = largest(slope.scores)
                first = torch.maximum(margin.abs(), LEAST * scale).clamp_min(TINY)
            # scores may change sides before the outputs do: then the margin is no guide, and steps go on outwards
            lost = (margin < 0) & ~slope.achieved
            ahead, part = torch.where(lost, 0.0, margin), margin / first[rows]
            scouted = step == 1 and isinstance(self.norm, Linf)  # a point asked for its slope alone
            if step and not scouted:
                before = nearest.size[rows]
                trusted = (part.abs() <= TRUSTED) & (along > 0) & ~lost
                landing = 1 + (ahead + AIM * first[rows]) / along.clamp_min(TINY)
                nearest.take((originals[rows] + _each(landing) * change).clamp(0, 1), trusted, rows)
                now = nearest.size[rows]
                gain[rows] = torch.where((now < before) | before.isinf(), along.clamp_min(0), gain[rows])
                stale[rows] = torch.where(torch.isfinite(before) & (now >= WORTH * before), stale[rows] + 1, 0)
                pull[rows] = torch.where(part > MISSED, pull[rows] * WEAKER, pull[rows])
            drawn = (1.0 if scouted else pull[rows]) * (along > 0) * ~lost
            short = originals[rows] + _each(1 - drawn) * change
            need = ahead + AIM * first[rows] + drawn * along
            made = (short + towards(short, slope.gradient, need, self.norm if step else L2())).clamp(0, 1)
            last[rows] = made
            left = stale[rows] < self.patience
            rows, made = rows[left], made[left]
            if len(rows) == 0:
                break
        return nearest.or_last(last), gain, first, scale

    def _landed(
        self, victim: Victim, originals: Pixels, made: Pixels, gain: Each, first: Each, scale: Each
    ) -> tuple[Pixels, Tensor]:
        """The points drawn along their changes onto the boundary, as float32 sees it, and rows where there is none."""
        images, change, rows = made.clone(), made - originals, torch.arange(len(made), device=made.device)
        factor, inner, outer = torch.ones_like(gain), torch.zeros_like(gain), torch.full_like(gain, torch.inf)
        inside, outside = first.clone(), torch.zeros_like(gain)
        aim = torch.maximum(AIM * first, 2 * DOUBT * scale)
        for growth in GROWTH:
            tried = snapped((originals[rows] + _each(factor[rows]) * change[rows]).clamp(0, 1))
            look = victim[rows].look(tried)
            margin = victim.goal[rows].margin(look.scores) + self.confidence
            across = clearly(victim.goal[rows], look.scores, look.achieved, scale[rows]) & (margin <= 0)
            there, here = rows[across], rows[~across]
            images[there], outer[there], outside[there] = tried[across], factor[there], margin[across]
            inner[here], inside[here] = factor[here], margin[~across]
            victim[there].note(tried[across], look[across])
            far = (outside < -torch.maximum(CLOSE * first, 2 * aim)) & (outer > (1 + CLOSE) * inner)
            rows = rows[(far | outer.isinf())[rows]]
            if len(rows) == 0:
                break
            between = (inside + aim) / (inside - outside).clamp_min(TINY)
            middle = inner + (outer - inner) * between.clamp(0.05, 0.95)
            short = ((inside.clamp_min(0) + aim) / gain.clamp_min(TINY)).clamp(max=1)
            factor = torch.where(outer.isinf(), factor * (growth + short), middle)
        return images, outer.isinf().nonzero()[:, 0]


def _each(values: Each) -> Float[Tensor, "n 1 1 1"]:
    """One number an image, to multiply images with."""
    return values.view(-1, 1, 1, 1)


def _dot(gradient: Pixels, change: Pixels) -> Each:
    return (gradient * change).flatten(1).sum(dim=1)
