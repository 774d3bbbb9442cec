"""Has the loss of the loop left the ground that it began on?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from snellen.checks.training._base import TrainingCheck
from snellen.findings.evidence import Curve
from snellen.findings.finding import Finding
from snellen.training.divergence import WINDOW, WORSE, Ground
from snellen.training.health.facts import Observation

NAME = "training/divergence"


@dataclass(frozen=True)
class Divergence(TrainingCheck):
    """The losses that the loop gave, from round to round.

    Asked by ``TrainingAudit``, where it is given losses. An error if one is not finite. An error too if the loss is the
    cross-entropy of k classes, alone, and stays, smoothed over 20 rounds, for 20 rounds on end above 1.2 times the
    larger of ln k and the first loss: it has become worse than knowing nothing, and worse than the beginning. Single
    spikes, sharp valleys and a hard beginning are no alarm. Of other losses nobody knows what knowing nothing costs.

    Refuted by a loop whose loss changes its meaning on the way, such as by a new weight.

    Reference: Cohen et al. 2021, arXiv:2103.00065, on why sharpness alone says nothing.
    """

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        losses = seen.asked.past.losses if seen.asked.past is not None else ()
        bad = next(((number, loss) for number, loss in losses if not math.isfinite(loss)), None)
        if bad is not None:
            text = f"The loss of round {bad[0]} of the loop is {bad[1]}; what it reaches by a gradient is lost with it."
            remedy = "Lower the learning rate, clip the gradient, and begin anew from weights that are finite."
            return [Finding(NAME, "error", "The loss is not finite", text, remedy=remedy, evidence=_curve(losses))]
        kinds = [c.input.shape[1] for c in seen.losses if c.name in ("cross_entropy", "nll_loss") and c.input.ndim > 1]
        if len(seen.losses) != 1 or not kinds or len(losses) < 2 * WINDOW:
            return []
        ground = Ground(math.log(kinds[0]))
        left = [ground.left_by(loss) for _, loss in losses][-1]
        costs = f"knowing nothing costs {ground.blind:.3g}"
        if left:
            text = (
                f"The loss, smoothed, is {ground.smooth:.3g} and stays above {WORSE} times the {ground.level:.3g} that "
                f"it began on; {costs}."
            )
            remedy = "Lower the learning rate, or warm it up; begin anew, for what was learnt is lost."
            return [Finding(NAME, "error", "The training has diverged", text, remedy=remedy, evidence=_curve(losses))]
        text = f"The loss of the loop, smoothed, is {ground.smooth:.3g}; it began at {losses[0][1]:.3g}, and {costs}."
        return [Finding(NAME, "ok", "The loss keeps its ground", text, evidence=_curve(losses))]


def _curve(losses: Sequence[tuple[int, float]]) -> tuple[Curve, ...]:
    drawn = [(float(number), loss) for number, loss in losses if math.isfinite(loss)]
    if len(drawn) < 2:
        return ()
    rounds, values = zip(*drawn, strict=True)
    return (Curve("The loss of the loop", "round", "loss", {"loss": (rounds, values)}),)
