"""Can the network learn one batch by heart?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch.nn.modules.dropout import _DropoutNd

from snellen._errors import NotApplicable
from snellen.checks.training._base import TrainingCheck
from snellen.findings.evidence import Curve
from snellen.findings.finding import Finding, Severity
from snellen.training.health.facts import Observation
from snellen.training.health.twin import plain_optimizer, train, twin

NAME = "training/one_batch"


@dataclass(frozen=True)
class OneBatch(TrainingCheck):
    """A copy is trained on this batch alone, with Adam at 0.001 on what the set-up trains, dropout off.

    Asked for by ``overfit_steps``. A network that trains at all learns a single batch by heart; a warning if the loss
    is above ``share`` of what it was after ``enough`` steps or more. Refuted by a loss whose least
    value is high: soft targets, a regulariser, a game of two networks.

    Reference: Karpathy 2019, A recipe for training neural networks ("overfit one batch").
    """

    share: float = 0.5
    enough: int = 100

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        steps = seen.asked.overfit_steps
        if steps < 2 or not seen.trained:
            return []
        try:
            copied = twin(seen.setup)
            copied = replace(copied, optimizers=(plain_optimizer(copied.module, seen.trained),))
            for module in copied.module.modules():
                if isinstance(module, _DropoutNd):
                    module.eval()
            losses = train(copied, [copied.batch], steps=steps, seed=seen.seed)
        except NotApplicable as reason:
            return [Finding(NAME, "info", "Not tried", f"{reason}.")]
        curve = Curve(
            "The batch learnt by heart", "step", "loss", {"loss": (tuple(map(float, range(steps))), tuple(losses))}
        )
        stuck = losses[0] > 0 and not losses[-1] <= self.share * losses[0] and steps >= self.enough
        text = f"{steps} steps of Adam on this batch alone take its loss from {losses[0]:.4g} to {losses[-1]:.4g}."
        remedy = "Look at what reaches the loss: labels, the last layer, frozen parts, a cut graph." if stuck else ""
        title = "One batch cannot be learnt" if stuck else "One batch"
        sure: Severity = "ok" if losses[-1] <= self.share * losses[0] else "info"
        return [Finding(NAME, "warning" if stuck else sure, title, text, remedy=remedy, evidence=(curve,))]
