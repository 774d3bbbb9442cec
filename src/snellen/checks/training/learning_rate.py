"""Is the learning rate far too high or far too low for this step?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from snellen.checks.training._base import TrainingCheck
from snellen.findings.evidence import Table
from snellen.findings.finding import Finding, Severity
from snellen.training.health.calls import LossCall
from snellen.training.health.facts import Observation
from snellen.training.health.trial import ROUNDING

NAME = "training/learning_rate"


@dataclass(frozen=True)
class LearningRate(TrainingCheck):
    """The loss of the same batch along the optimizers' actual update d: L(w + a d) at a few multiples a.

    - L(w + d) not finite where L(w) was: error.
    - On the first step, L(w + d) above L(w) by more than ``rise`` of its size (or of half of ln k, for a cross-entropy
      of k classes, where that is more: a trained network begins near 0): warning; the critical multiple, at which the
      loss is back where it began, is below 1. Later a rise is only mentioned, for momentum may climb.
      If it is above it by more than ``ruin`` times that, and no part of d that was tried lowers it: error.
    - Most weights are moved by more than ``stride`` of their own length in one step: warning, for nothing of them is
      left after it, whatever this batch says.
    - On the first step, 256 d together lower the loss by less than ``least`` of its size, without a schedule: warning.
    - The loss is less than ``divided`` of the one loss function in it: warning.

    A critical multiple above 1 clears nothing: rates that diverge later pass the first step. Curvature alone is no
    alarm: training at the edge of stability is healthy.

    Args:
        rise: share of the loss.
        ruin: multiple of the loss.
        stride: share of the length of a weight.
        least: share of the loss.
        divided: share of the loss function in it, where there is one.

    Reference: Cohen et al. 2021, arXiv:2103.00065; critical sharpness, arXiv:2601.16979.
    """

    rise: float = 0.2
    ruin: float = 10.0
    stride: float = 1.0
    least: float = 1e-4
    divided: float = 1e-6

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        losses, part = seen.trial.losses, self._divided(seen)
        if part is not None:
            text = (
                f"The loss is {seen.loss:.2g}, and {part.name} in it gave {part.value:.4g}: it is divided to nothing."
            )
            remedy = "Do not divide the loss; the learning rate is for a mean over examples."
            return [Finding(NAME, "warning", "The learning rate is far too low for this loss", text, remedy=remedy)]
        if len(losses) < 2 or not math.isfinite(seen.loss):
            return []
        after, far, size = seen.trial.at(1), seen.trial.at(256), abs(seen.loss)
        text = f"One step takes the loss of this batch from {seen.loss:.4g} to {after:.4g}"
        rows = tuple((multiple, f"{loss:.6g}") for multiple, loss in losses)
        table = Table("The loss along the step", ("multiple of the step", "loss"), rows)
        severity: Severity = "ok"
        title, remedy = "Learning rate", ""
        if not math.isfinite(after):
            severity, title, text = "error", "One step ruins the network", f"{text}."
            remedy = "Lower the learning rate by a factor of 10 or more; clip the gradient."
        elif after > seen.loss + ROUNDING * size:
            unit = max(size, self._guess(seen))
            high = seen.first_step and after - seen.loss > self.rise * unit + 1e-6
            below = max((m for m, loss in losses if m < 1 and loss <= seen.loss), default=0.0)
            severity, title = ("warning", "The learning rate is too high") if high else ("info", "The step climbs")
            text += f"; {f'{below:g} of the step' if below else 'no part of it that was tried'} would not raise it."
            remedy = "Lower the learning rate, or warm it up." if high else ""
            if high and not below and after - seen.loss > self.ruin * unit:
                severity = "error"
        elif seen.trial.stride > self.stride:
            severity, title = "warning", "The learning rate is too high"
            text += f", but moves half of the weights by {seen.trial.stride:.2g} times their own length or more."
            remedy = "Lower the learning rate, or warm it up."
        elif self._too_low(seen, far):
            severity, title = "warning", "The learning rate is far too low"
            text += f", and 256 such steps at once only to {far:.4g}: at this rate nothing will be learnt."
            remedy = "Raise the learning rate by a factor of 100 or more."
        elif far <= seen.loss and seen.first_step and seen.loss - far < 0.05 * size:
            severity, text = "info", f"{text}, and 256 such steps at once to {far:.4g}: it could be larger."
        else:
            text += "."
        return [Finding(NAME, severity, title, text, remedy=remedy, evidence=(table,))]

    def _guess(self, seen: Observation) -> float:
        """Half of what knowing nothing would cost; 0 where that is not known."""
        kinds = [c.input.shape[1] for c in seen.losses if c.name in ("cross_entropy", "nll_loss") and c.input.ndim > 1]
        return math.log(max(kinds)) / 2 if kinds and len(seen.losses) == 1 else 0.0

    def _divided(self, seen: Observation) -> LossCall | None:
        """The one loss function in the loss, if next to nothing of it is left."""
        call = seen.losses[0] if len(seen.losses) == 1 else None
        return call if call is not None and 0 < abs(seen.loss) < self.divided * abs(call.value) else None

    def _too_low(self, seen: Observation, far: float) -> bool:
        warming = any(
            r.scheduled or any(isinstance(base := r.settings.get("lr"), float) and 0 <= x < base for x in r.rates)
            for r in seen.rules
        )
        size = abs(seen.loss)
        return seen.first_step and not warming and size > 1e-6 and abs(seen.loss - far) < self.least * size
