"""Does a loss that was written by hand reward the right answers?"""

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from snellen._errors import UsageError
from snellen.checks.training._base import TrainingCheck
from snellen.checks.training._rates import from_scratch
from snellen.checks.training._slopes import cost
from snellen.findings.evidence import Table
from snellen.findings.finding import Finding, Severity
from snellen.training.health.facts import Observation
from snellen.training.health.setup import inputs_and_targets

NAME = "training/hand_made_loss"
SIZES = (1.0, 5.0, 20.0)
FAR = (20.0, 200.0, 2000.0)
ZERO = 1e-4
EVEN = (0.1, 0.2, 0.25, 0.3, 0.5, 1.0, 2.0, 5.0, 20.0)


@dataclass(frozen=True)
class HandMadeLoss(TrainingCheck):
    """The loss of answers that are made up, for the targets of this batch: right, wrong, and the same for all.

    Asked where ``loss(outputs, targets)`` calls no loss function that is known, outputs are one tensor of (n, k, ...)
    and targets are classes (n, ...). Right answers are written in all the ways that are in use: as scores of +-1, +-5
    and +-20, as 0 and 1, as probabilities and as their logarithms. So are wrong ones, which give the right class the
    least; in a loss of distances or energies they are the right ones.

    - As scores grow from 20 to 2,000 the loss of wrong answers falls in proportion, and that of right ones does not:
      error, the loss is upside down and has no lower bound.
    - No answer costs more than 0, right ones cost 0 and wrong ones less, by ``margin``: error, as above.
    - Answers that are the same number everywhere cost less, by ``margin`` of the range, than right and wrong ones in
      any way: error, for they say nothing. A Dice loss of scores does this: its denominator passes 0.

    The first two are a warning if weights that were trained before are trained on, for these may be made to forget. The
    network is not run, and nothing is trained. Refuted by a loss whose outputs mean something else than classes.

    Reference: Milletari et al. 2016, V-Net, arXiv:1606.04797, whose Dice loss is of probabilities.
    """

    margin: float = 0.5

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        made = _made(seen)
        if made is None:
            return []
        price, hot = made
        severity: Severity = "error" if from_scratch(seen) else "warning"
        remedy = "Look for a sign, and for a softmax or sigmoid that the formula wants before it."
        right = [price(hot * 2 * size - size) for size in SIZES] + [price(way) for way in _ways(hot)]
        wrong = [price(size - hot * 2 * size) for size in SIZES] + [price(way) for way in _ways(1 - hot)]
        known = [value for value in (*right, *wrong) if math.isfinite(value)]
        up, down = ([price(sign * (hot * 2 - 1) * size) for size in FAR] for sign in (1, -1))
        if not known:
            return []
        if down[2] < 5 * down[1] < 25 * down[0] < 0 and min(up) > down[0]:
            text = (
                f"Answers that give the right class a score of -20, -200 and -2,000 cost {down[0]:.4g}, {down[1]:.4g} "
            )
            text += f"and {down[2]:.4g}; right ones cost {up[0]:.4g}: the loss falls without end as answers get worse."
            return [Finding(NAME, severity, "The loss rewards wrong answers", text, remedy=remedy)]
        tops = [value for value in right if math.isfinite(value)]
        if max(known) <= ZERO and max(tops) > -ZERO and min(known) < -self.margin and max(up) > -ZERO > min(down):
            text = (
                f"No answer costs more than 0, and right ones cost that; wrong ones cost down to {min(known):.4g}: it "
            )
            text += "is the negative of a loss."
            return [Finding(NAME, severity, "The loss rewards wrong answers", text, remedy=remedy)]
        even = {size: price(torch.full_like(hot, size)) for one in EVEN for size in (one, -one)}
        best, cheap = min(known), min((v, k) for k, v in even.items() if math.isfinite(v))
        rows = tuple((f"{size:g}", f"{value:.5g}") for size, value in even.items())
        table = Table("The loss of one score for every class and place", ("score", "loss"), rows)
        if cheap[0] < best - self.margin * max(1.0, abs(best)) and min(seen.loss, best) > cheap[0]:
            text = (
                f"The same score of {cheap[1]:g} for every class costs {cheap[0]:.4g}, and right answers, in whatever "
            )
            text += f"way they are written, {best:.4g} or more: what says nothing is rewarded."
            return [Finding(NAME, "error", "The loss rewards no answer", text, remedy=remedy, evidence=(table,))]
        text = f"Right answers, in one way of writing them, cost {best:.4g}, less than any that say nothing."
        return [Finding(NAME, "ok", "The loss rewards right answers", text, evidence=(table,))]


def _made(seen: Observation) -> tuple[Callable[[Tensor], float], Tensor] | None:
    """What answers cost, and the right ones as 0 and 1; None where the loss is not of this kind."""
    setup = seen.setup
    if setup.whole or seen.losses or seen.outputs is None:
        return None
    try:
        targets = inputs_and_targets(setup.batch)[1]
    except UsageError:
        return None
    outputs = seen.outputs
    if (
        not isinstance(targets, Tensor)
        or targets.is_floating_point()
        or targets.dtype == torch.bool
        or outputs.ndim < 2
    ):
        return None
    k = outputs.shape[1]
    spatial = (len(outputs), *outputs.shape[2:])
    if tuple(targets.shape) != spatial or k < 2 or not targets.numel():
        return None
    classes = targets.where((targets >= 0) & (targets < k), torch.zeros_like(targets))
    if int(classes.max()) + 1 < k / 2:
        return None
    hot = F.one_hot(classes, k).movedim(-1, 1).to(outputs.dtype)

    return functools.partial(cost, seen, targets=targets), hot


def _ways(hot: Tensor) -> Iterator[Tensor]:
    """As 0 and 1, as probabilities that sum to 1, as their logarithms."""
    yield hot
    sure = (hot * 0.99 + 0.001) / (hot * 0.99 + 0.001).sum(dim=1, keepdim=True)
    yield sure
    yield sure.log()
