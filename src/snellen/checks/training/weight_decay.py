"""Does weight decay forget faster than anything can be learnt?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from snellen.checks.training._base import TrainingCheck, listed
from snellen.findings.finding import Finding, Severity
from snellen.training.health.facts import Observation

NAME = "training/weight_decay"
OFTEN = 0.5  # of the weights that decay


@dataclass(frozen=True)
class WeightDecay(TrainingCheck):
    """Two numbers that need no trial: how fast decay shrinks the weights, and how it stands to their gradient.

    - Under SGD or a decoupled decay a weight decays as exp(-t lr wd / (1 - momentum)): a warning where this takes
      ``steps`` steps or fewer, for everything learnt before is then gone, and an error at ``least`` or fewer. Usual
      settings stand at thousands and more.
    - Where decay is a part of the gradient (not decoupled): a warning if wd |w| is more than ``ratio`` times |g| in
      most of the decayed weights before the first step, for the optimizer then follows the decay and hardly the loss.

    Refuted by a very short training that is meant to end near zero.

    Reference: Loshchilov and Hutter 2019, Decoupled weight decay regularization, arXiv:1711.05101.
    """

    steps: float = 100.0
    least: float = 10.0
    ratio: float = 30.0

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        fastest = max((rule.shrinks for rule in seen.rules), default=0.0)
        held = [p for p in seen.parameters if p.trains and p.decay_ratio > 0 and len(p.shape) > 1]
        if fastest <= 0 and not held:
            return []
        life = 1 / fastest if fastest > 0 else math.inf
        text = (
            f"Weight decay shrinks weights by a factor e in {life:,.0f} steps."
            if fastest > 0
            else "Weight decay is on."
        )
        remedy = "Lower the weight decay; 1e-4 to 5e-4 for SGD and 0.01 to 0.1 for AdamW are usual."
        if life <= self.steps:
            text = f"Weight decay shrinks weights by a factor e in {life:.2g} steps: "
            severity: Severity = "error" if life <= self.least else "warning"
            return [_finding(severity, f"{text}what was learnt before that is gone.", remedy)]
        drowned = [p for p in held if p.decay_ratio > self.ratio]
        if seen.first_step and len(drowned) > OFTEN * len(held):
            least = min(p.decay_ratio for p in drowned)
            text = f"Weight decay pulls {listed([p.name for p in drowned])} at least {least:.3g} times as hard as the "
            return [_finding("warning", f"{text}gradient of the loss.", remedy)]
        return [Finding(NAME, "ok", "Weight decay", text)]


def _finding(severity: Severity, text: str, remedy: str) -> Finding:
    return Finding(NAME, severity, "Weight decay far too large", text, remedy=remedy)
