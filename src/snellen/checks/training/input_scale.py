"""Are the inputs normalised as the weights expect?"""

from collections.abc import Sequence
from dataclasses import dataclass

from torch.nn.modules.batchnorm import _BatchNorm

from snellen.checks.training._base import TrainingCheck
from snellen.findings.finding import Finding
from snellen.training.health.facts import Observation

NAME = "training/input_scale"


@dataclass(frozen=True)
class InputScale(TrainingCheck):
    """What the first BatchNorm sees of this batch, beside the statistics it has gathered.

    Median over its channels of |mean - running mean| / deviation, and of the log ratio of the deviations. A warning
    above ``far`` when at least ``batches`` batches were seen: the weights were made for inputs of another
    scale. Refuted
    by a batch of one class only, or by data that really differ.
    """

    far: float = 1.0
    batches: int = 50

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        norms = [c for c in seen.modules if isinstance(c.module, _BatchNorm)]
        if not norms or not isinstance(norms[0].module, _BatchNorm):
            return []
        count = norms[0].module.num_batches_tracked
        if count is None or int(count) < self.batches or (norms[0].values or 0) < 64:
            return []
        drift = norms[0].drift
        text = f"The first BatchNorm ({norms[0].name}) sees this batch {drift:.2g} deviations from its statistics."
        if drift <= self.far:
            return [Finding(NAME, "ok", "Scale of the inputs", text)]
        remedy = "Normalise with the mean and deviation that the weights were trained "
        remedy += "with; do not leave pixels in 0 to 255."
        return [Finding(NAME, "warning", "Inputs of another scale", text, remedy=remedy)]
