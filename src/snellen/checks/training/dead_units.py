"""Are there ReLU layers that are shut?"""

from collections.abc import Sequence
from dataclasses import dataclass

from snellen.checks.training._base import TrainingCheck, listed
from snellen.findings.evidence import Table
from snellen.findings.finding import Finding, Severity
from snellen.training.health.facts import Observation
from snellen.training.health.flow import Activation

NAME = "training/dead_units"


@dataclass(frozen=True)
class DeadUnits(TrainingCheck):
    """Units (channels: at any position) whose ReLU let nothing through in this batch.

    Sparsity is not death: healthy layers have most values at 0, and some units that never fire. A warning where a whole
    layer is shut over ``samples`` values a unit, or more than ``share`` of its units over 100; otherwise the count is
    mentioned. An error if every unit of a layer is shut and all weights that it is computed from have gradients of
    exactly 0: nothing before it learns, and what is behind it sees the same for every image. A unit silent in n values
    fires in fewer than 3/n of them (95 %). Only ReLUs that trained layers work behind are looked at, in every spelling;
    GELU, SiLU and leaky ReLU cannot die.

    Reference: Lu et al. 2019, Dying ReLU and initialization, arXiv:1903.06733; Hanley and Lippman-Hand 1983 (rule of
    three).
    """

    share: float = 0.9
    samples: int = 16

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        relus = [a for a in seen.activations if a.kind == "relu" and a.bit & seen.used]
        if not relus:
            return []
        rows = tuple(
            (a.module or "the network", a.units, a.silent, a.silent / a.units, a.samples, 3 / a.samples) for a in relus
        )
        columns = ("in module", "units", "silent", "share", "values a unit", "fires in less than")
        table = Table("ReLU layers in their order", columns, rows, note="The bound holds for silent units, at 95 %.")
        shut = [
            f"{a.module or 'the network'} ({a.silent} of {a.units})"
            for a in relus
            if (a.silent == a.units and a.samples >= self.samples)
            or (a.silent > self.share * a.units and a.samples >= 100)
        ]
        silent, units = sum(a.silent for a in relus), sum(a.units for a in relus)
        measured = {"silent_units": silent, "relu_units": units}
        if shut:
            text = f"ReLU units that let nothing of this batch through: {listed(shut)}. No gradient passes them."
            severity: Severity = "warning"
            if any(_closes(seen, a) for a in relus if a.silent == a.units and a.samples >= self.samples):
                severity = "error"
                text += " All weights before have a gradient of exactly 0, and what comes behind is the same for every"
                text += " image."
            remedy = (
                "Lower the learning rate, look at the scale of inputs and biases, or put normalisation before them."
            )
            return [
                Finding(
                    NAME, severity, "A ReLU layer is shut", text, measured=measured, remedy=remedy, evidence=(table,)
                )
            ]
        text = f"{silent} of {units} ReLU units are silent in this batch, in {len(relus)} layers; none is shut."
        severity = "info" if silent else "ok"
        return [Finding(NAME, severity, "ReLU units", text, measured=measured, evidence=(table,))]


def _closes(seen: Observation, shut: Activation) -> bool:
    """Whether trained weights are computed before a shut layer, and none of them has a gradient."""
    before = [p for n, p in enumerate(seen.parameters) if shut.mask >> (n + 1) & 1 and p.groups and p.requires_grad]
    return any(len(p.shape) > 1 for p in before) and all(p.grad == "zero" for p in before)
