"""Are hidden tanh and sigmoid units saturated?"""

from collections.abc import Sequence
from dataclasses import dataclass

from snellen.checks.training._base import TrainingCheck, listed
from snellen.checks.training._scales import proves_inputs, proves_weights
from snellen.findings.finding import Finding, Severity
from snellen.training.health.facts import Observation

NAME = "training/saturation"


@dataclass(frozen=True)
class Saturation(TrainingCheck):
    """Share of (unit, example) pairs where the slope of tanh or sigmoid is below 1/100 of its largest.

    |tanh| > 0.995, or a sigmoid within 0.0025 of 0 or 1. A warning above ``share`` in a layer that trained layers work
    behind, or ``first`` before the first step; an error if weights or inputs of a usual scale prove better. The output
    of a network is not hidden, and a linear layer cannot saturate.

    Reference: Glorot and Bengio 2010, Understanding the difficulty of training deep feedforward neural networks.
    """

    share: float = 0.9
    first: float = 0.75

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        hidden = [a for a in seen.activations if a.kind != "relu" and a.bit & seen.used and a.units * a.samples >= 100]
        if not hidden:
            return []
        shut = [a for a in hidden if a.flat > (self.first if seen.first_step else self.share)]
        flat = list(dict.fromkeys(f"{a.kind} in {a.module or 'the network'}" for a in shut))
        if flat:
            most = max(a.flat for a in shut)
            text = (
                f"Nearly all values are on the flat ends, up to {most:.0%}: {listed(flat)}. Hardly any gradient passes."
            )
            remedy = (
                "Scale the inputs to mean 0 and deviation 1, use Xavier's initialisation, or normalise before them."
            )
            proof = proves_weights(seen) or proves_inputs(seen)
            severity: Severity = "error" if proof else "warning"
            return [Finding(NAME, severity, "Saturated units", f"{text} {proof}".rstrip(), remedy=remedy)]
        worst = max(a.flat for a in hidden)
        text = f"At most {worst:.0%} of the values of a hidden tanh or sigmoid layer are on its flat ends."
        return [Finding(NAME, "ok", "Hidden tanh and sigmoid units", text)]
