"""Is the network in eval mode while it is validated?"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from snellen.checks.training._base import TrainingCheck, listed
from snellen.findings.finding import Finding
from snellen.training.health.calls import Calls
from snellen.training.health.facts import Observation
from snellen.training.health.kept import kept

NAME = "training/validation"


@dataclass(frozen=True)
class Validation(TrainingCheck):
    """BatchNorm and dropout as they ran in the user's own validation.

    Asked for by ``validate``: a function that validates once, or on one batch. An error if a dropout layer drops or a
    BatchNorm uses and updates batch statistics in it. What Monte Carlo dropout is for is no validation. Everything
    that it changes is put back.

    Reference: pytorch-fcn pull request 56, Pytorch-UNet issue 31: training mode during validation.
    """

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        if seen.asked.validate is None:
            return []
        calls = Calls({id(m): n for n, m in seen.setup.module.named_modules()})
        with kept(seen.setup.modules, seen.setup.optimizers), calls.watched(), torch.enable_grad():
            seen.asked.validate()
        ran = list(calls.ran.values())
        if not ran:
            return [Finding(NAME, "info", "Validation", "The validation does not run the network that is audited.")]
        wrong = [c for c in ran if c.training and _matters(c.module)]
        if not wrong:
            return [
                Finding(
                    NAME, "ok", "Validation", f"{len(ran)} modules ran, none of them in a training mode that matters."
                )
            ]
        text = f"{listed([c.name or 'the network' for c in wrong])} ran in training mode during validation: "
        text += "answers depend on the batch or on chance, and the statistics learn from the validation images."
        remedy = "Call network.eval() before the validation and network.train() after it."
        return [Finding(NAME, "error", "Validated in training mode", text, remedy=remedy)]


def _matters(module: torch.nn.Module) -> bool:
    return (isinstance(module, _DropoutNd) and module.p > 0) or (
        isinstance(module, _BatchNorm) and module.track_running_stats
    )
