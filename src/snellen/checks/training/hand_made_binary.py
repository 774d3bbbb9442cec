"""Does a loss of yes and no that was written by hand reward the right answers?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from snellen.checks.training._base import TrainingCheck
from snellen.checks.training._rates import from_scratch
from snellen.checks.training._slopes import cost, targets_of
from snellen.findings.finding import Finding
from snellen.training.health.facts import Observation

NAME = "training/hand_made_binary"
SIZES = (1.0, 5.0, 20.0)
REMEDY = "Look for a sign, for 1 - score, and whether the formula wants targets of -1 and 1."


@dataclass(frozen=True)
class HandMadeBinary(TrainingCheck):
    """What made-up answers cost where targets of 0 and 1 have the shape of the outputs: masks, several labels an image.

    Asked where ``loss(outputs, targets)`` calls no loss function that is known, of random weights before the first
    step. Right answers are scores of +-1, +-5 and +-20 and the targets themselves; wrong ones the opposite.

    - Every right answer costs more than every wrong one, by ``margin`` of the range: error, the loss is upside down (a
      Dice score that is not taken from 1).
    - To say yes everywhere costs what the right answers cost, in every way of writing them, and to say no everywhere
      costs more: error, targets of 0 have no part in it (a hinge of signs that is given 0 and 1). So too with yes and
      no exchanged.

    The network is not run. Refuted by outputs that mean something else.

    Reference: Milletari et al. 2016, V-Net, arXiv:1606.04797.
    """

    margin: float = 0.05

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        targets, outputs = targets_of(seen), seen.outputs
        if targets is None or outputs is None or seen.losses or seen.signs or not from_scratch(seen):
            return []
        if targets.numel() != outputs.numel() or not bool(((targets == 0) | (targets == 1)).all()):
            return []
        hot = targets.reshape(outputs.shape).to(outputs.dtype)
        right = [cost(seen, (2 * hot - 1) * size, targets) for size in SIZES] + [cost(seen, hot, targets)]
        wrong = [cost(seen, (1 - 2 * hot) * size, targets) for size in SIZES] + [cost(seen, 1 - hot, targets)]
        if not all(map(math.isfinite, (*right, *wrong))) or not 0 < float(hot.mean()) < 1:
            return []
        spread = max(*right, *wrong) - min(*right, *wrong)
        if min(right) > max(wrong) + self.margin * spread:
            text = f"Right answers cost from {min(right):.4g} to {max(right):.4g}, wrong ones from {min(wrong):.4g} to "
            text += f"{max(wrong):.4g}: whatever way they are written, the loss rewards the wrong ones."
            return [Finding(NAME, "error", "The loss rewards wrong answers", text, remedy=REMEDY)]
        for yes in (True, False):
            if self._indifferent(seen, hot, targets, right, yes=yes):
                text = f"To answer {'yes' if yes else 'no'} everywhere costs what the right answers cost "
                text += f"({', '.join(f'{value:.4g}' for value in right[:3])} for scores of 1, 5 and 20): targets of "
                text += f"{0 if yes else 1} have no part in the loss."
                return [Finding(NAME, "error", "Half of the targets do not count", text, remedy=REMEDY)]
        return []

    @staticmethod
    def _indifferent(seen: Observation, hot: Tensor, targets: Tensor, right: Sequence[float], *, yes: bool) -> bool:
        """Whether one answer everywhere costs no more than the right ones, and the other one everywhere does."""
        sign = 1 if yes else -1
        even, other = (
            [*(cost(seen, 0 * hot + s * size, targets) for size in SIZES), cost(seen, 0 * hot + (s > 0), targets)]
            for s in (sign, -sign)
        )
        same = all(abs(a - b) <= 1e-5 * max(abs(b), 1e-6) for a, b in zip(even, right, strict=True))
        return same and all(a > b + 1e-3 * abs(b) for a, b in zip(other, right, strict=True))
