"""Is the learning rate far too high or far too low for this step?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from snellen.checks.training._base import TrainingCheck
from snellen.checks.training._rates import STEPS, blind, climbs, proves_too_high, proves_too_low, recovers
from snellen.findings.evidence import Table
from snellen.findings.finding import Finding, Severity
from snellen.training.health.calls import LossCall
from snellen.training.health.facts import Observation
from snellen.training.health.trial import FAR, ROUNDING
from snellen.training.health.walk import undecayed

NAME = "training/learning_rate"


@dataclass(frozen=True)
class LearningRate(TrainingCheck):
    """The loss of the same batch along the optimizers' actual update d: L(w + a d) at a few multiples a.

    - L(w + d) not finite where L(w) was: error.
    - Where one of the next three holds, and only then, it is tried out (:mod:`snellen.checks.training._rates`): steps
      of the set-up's own optimizers on this batch, at this rate and at others, all undone. An error if at this rate the
      loss stays above where it began and above knowing nothing, and at a smaller one the same steps lower it.
    - On the first step, L(w + d) above L(w) by more than ``rise`` of its size (or of half of ln k, for a cross-entropy
      of k classes, where that is more: a trained network begins near 0): warning; the critical multiple, at which the
      loss is back where it began, is below 1. Later a rise is only mentioned, for momentum may climb; and so is
      one that a part of d would not make, if 16 steps at this rate end lower than they began and than at a tenth of it.
      If it is above it by more than ``ruin`` times that, and no part of d that was tried lowers it: error.
    - No part of d that was tried lowers the loss: random weights are stepped at a 30th and a 1,000th of the rate,
      forwards and backwards. If that raises and lowers the loss, the gradient is followed upwards: error.
    - Ten steps at once, which is what a momentum of 0.9 makes of one, double the loss of an optimizer with momentum:
      tried out, and nothing is said if nothing is proved.
    - Most weights are moved by more than ``stride`` of their own length in one step: warning, for nothing of them is
      left after it, whatever this batch says.
    - On the first step, 256 d together lower the loss by less than ``least`` of its size, without a schedule: warning;
      weight decay, where it is stronger than the gradient, is left out of d for this.
    - The loss is less than ``divided`` of the one loss function in it: warning.
    - The last two are an error if 10,000 such steps, momentum counted, would lower it by less than a hundredth, while
      a few steps at a rate that is larger by powers of 10 lower it by a twentieth, and the loss has far to fall.

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
    divided: float = 1e-5

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        trial, part = seen.trial, self._divided(seen)
        if part is not None:
            text = (
                f"The loss is {seen.loss:.2g}, and {part.name} in it gave {part.value:.4g}: it is divided to nothing."
            )
            remedy = "Do not divide the loss; the learning rate is for a mean over examples."
            proof = proves_too_low(seen, undecayed(seen.setup, seed=seen.seed))
            return [_tried("The learning rate is far too low for this loss", text, remedy, proof)]
        if len(trial.losses) < 2 or not math.isfinite(seen.loss):
            return []
        unknown = _unknown(seen)
        if unknown:
            return [Finding(NAME, "info", "Learning rate", unknown)]
        if not any(p.grad == "finite" for p in seen.parameters) and not seen.strangers:
            return []
        if self._drowned(seen):
            plain = undecayed(seen.setup, seed=seen.seed)
            trial = plain if self._too_low(seen, plain.at(256)) else trial
        after, far, size = trial.at(1), trial.at(256), abs(seen.loss)
        text = f"One step takes the loss of this batch from {seen.loss:.4g} to {after:.4g}"
        rows = tuple((multiple, f"{loss:.6g}") for multiple, loss in trial.losses)
        table = Table("The loss along the step", ("multiple of the step", "loss"), rows)
        if not math.isfinite(after):
            remedy = "Lower the learning rate by a factor of 10 or more; clip the gradient."
            return [Finding(NAME, "error", "One step ruins the network", f"{text}.", remedy=remedy, evidence=(table,))]
        if after > seen.loss + ROUNDING * size:
            return [self._rises(seen, after, text, table)]
        if self._gathers(seen):
            proof = proves_too_high(seen)
            if proof:
                text += f"; ten of it, which momentum makes of one, to {trial.at(10):.4g}."
                return [_tried("The learning rate is too high", text, LOWER, proof, table)]
        if trial.stride > self.stride:
            text += f", but moves half of the weights by {trial.stride:.2g} times their own length or more."
            return [_tried("The learning rate is too high", text, LOWER, proves_too_high(seen), table)]
        if self._too_low(seen, far):
            text += f", and 256 such steps at once only to {far:.4g}: at this rate nothing will be learnt."
            remedy = "Raise the learning rate by a factor of 100 or more."
            remedy += " Look for gradients that are clipped to nothing." if trial is not seen.trial else ""
            return [_tried("The learning rate is far too low", text, remedy, proves_too_low(seen, trial), table)]
        severity: Severity = "ok"
        if far <= seen.loss and seen.first_step and seen.loss - far < 0.05 * size:
            severity, text = "info", f"{text}, and 256 such steps at once to {far:.4g}: it could be larger"
        return [Finding(NAME, severity, "Learning rate", f"{text}.", evidence=(table,))]

    def _rises(self, seen: Observation, after: float, text: str, table: Table) -> Finding:
        unit = self._unit(seen)
        up = climbs(seen) if seen.trial.critical <= 1 / 8 else ""
        if up:
            text += f". {up} The step goes up what it should go down."
            remedy = "Look for a minus before the loss, maximize=True, and hooks that turn gradients round."
            return Finding(NAME, "error", "The steps climb", text, remedy=remedy, evidence=(table,))
        below = max((m for m, loss in seen.trial.losses if m < 1 and loss <= seen.loss), default=0.0)
        text += f"; {f'{below:g} of the step' if below else 'no part of it that was tried'} would not raise it."
        if not seen.first_step or after - seen.loss <= self.rise * unit + 1e-6:
            return Finding(NAME, "info", "The step climbs", text, evidence=(table,))
        if not below and after - seen.loss > self.ruin * unit:
            title = "The learning rate is too high"
            return Finding(NAME, "error", title, text, remedy=LOWER, evidence=(table,))
        proof = proves_too_high(seen)
        if not proof and below and recovers(seen):
            text += f" {STEPS} steps at this rate bring it lower than as many at a tenth of it."
            return Finding(NAME, "info", "The first step overshoots", text, evidence=(table,))
        return _tried("The learning rate is too high", text, LOWER, proof, table)

    @staticmethod
    def _drowned(seen: Observation) -> bool:
        """Whether most of the step may be weight decay."""
        decayed = [p for p in seen.parameters if p.trains and p.decay_ratio > 0 and len(p.shape) > 1]
        coupled = sum(p.decay_ratio > 1 for p in decayed) > len(decayed) / 2
        return seen.first_step and (
            coupled or (any(rule.shrinks > 0 for rule in seen.rules) and seen.trial.stride < 1e-6)
        )

    def _gathers(self, seen: Observation) -> bool:
        """Whether the velocity that momentum gathers of such steps would double the loss, or add ln k to it."""
        velocity = [m for r in seen.rules if isinstance(m := r.settings.get("momentum", 0.0), float | int) and m >= 0.8]
        ten = seen.trial.at(10)
        known = FAR in dict(seen.trial.losses)
        return bool(velocity) and known and seen.first_step and not ten <= seen.loss + max(seen.loss, blind(seen))

    def _unit(self, seen: Observation) -> float:
        return max(abs(seen.loss), self._guess(seen))

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


LOWER = "Lower the learning rate, or warm it up."


def _unknown(seen: Observation) -> str:
    """Why the step says nothing of the rate; empty if it does."""
    if any(rule.hooked for rule in seen.rules):
        return "Hooks of an optimizer change its step (register_step_pre_hook). Hooks are not run here: not judged."
    if seen.rules and all(rule.climbs for rule in seen.rules) and seen.loss < 0:
        return f"The loss, {seen.loss:.4g}, is to grow (maximize=True): not judged."
    return ""


def _tried(title: str, text: str, remedy: str, proof: str, *evidence: Table) -> Finding:
    """An error with what a trial showed, or a warning where it showed nothing."""
    text = f"{text} {proof}".rstrip()
    return Finding(NAME, "error" if proof else "warning", title, text, remedy=remedy, evidence=evidence)
