"""Do dropout and BatchNorm that are called as functions follow the mode of the network?"""

from collections.abc import Sequence
from dataclasses import dataclass

from snellen.checks.training._base import TrainingCheck, listed
from snellen.findings.finding import Finding
from snellen.training.health.facts import Observation
from snellen.training.health.functional import FunctionCall

NAME = "training/functional_modes"


@dataclass(frozen=True)
class FunctionalModes(TrainingCheck):
    """``F.dropout`` drops and ``F.batch_norm`` does not look at the batch unless they are told otherwise.

    - ``F.dropout`` that drops in evaluation mode too, ``training=self.training`` forgotten: warning; answers are then
      drawn, and differ from call to call.
    - ``F.batch_norm`` without ``training=True`` while the network trains, on the statistics of the initialisation (mean
      0, variance 1): error, for nothing is normalised and nothing ever will be.

    What would refute it: dropout that is meant to stay on, as in Monte Carlo dropout or data augmentation.

    Reference: the defaults of ``torch.nn.functional.dropout`` (training=True) and ``batch_norm`` (training=False).
    """

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        idle = [c for c in seen.functions if c.name == "batch_norm" and not c.training and c.untouched]
        found = []
        if idle and any(call.training for call in seen.modules):
            text = f"F.batch_norm ran {_places(idle)} with training=False, its default, and the statistics of the "
            text += "initialisation (mean 0, variance 1): nothing is normalised, and nothing ever will be."
            remedy = "Call it with training=self.training, or use the module nn.BatchNorm2d itself."
            found.append(Finding(NAME, "error", "BatchNorm does not normalise", text, remedy=remedy))
        drops = [c for c in seen.functions if c.name != "batch_norm" and c.training]
        if drops and seen.drops_in_evaluation:
            text = f"F.{drops[0].name} drops {max(c.share for c in drops):.0%} of its inputs {_places(drops)}, in "
            text += "evaluation mode too: the answer to an image differs from call to call."
            remedy = "Call it with training=self.training, or use nn.Dropout, unless it is meant (Monte Carlo dropout)."
            found.append(Finding(NAME, "warning", "Dropout never stops", text, remedy=remedy))
        if seen.functions and not found:
            text = f"{len(seen.functions)} calls of F.dropout and F.batch_norm follow the mode of the network."
            found.append(Finding(NAME, "ok", "Modes of functions", text))
        return found


def _places(calls: Sequence[FunctionCall]) -> str:
    names = tuple(dict.fromkeys(call.where for call in calls))
    return "in the network's own forward" if names == ("",) else f"in {listed([n or 'the network' for n in names])}"
