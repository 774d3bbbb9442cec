"""Is a part of the loss multiplied by 0?"""

from collections.abc import Sequence
from dataclasses import dataclass

from snellen.checks.training._base import TrainingCheck, blocks, listed
from snellen.findings.finding import Finding
from snellen.training.health.facts import Observation

NAME = "training/zero_weight"


@dataclass(frozen=True)
class ZeroWeight(TrainingCheck):
    """A loss function of PyTorch that is computed, and multiplied by the constant 0 before it is added.

    A warning where parameters that an optimizer holds get a gradient of exactly 0 and take part in this term: nothing
    trains them. A sum of outputs times 0, as data-parallel training needs it, is no loss and is left in peace, and so
    is a term whose parameters another term trains.

    What would refute it: a weight that begins at 0 by a schedule and rises.
    """

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        still = {p.name for p in seen.parameters if p.groups and p.requires_grad and p.grad == "zero"}
        found = []
        for term in seen.silenced:
            idle = [p.name for p in seen.parameters if p.name in still & term.parameters]
            if idle:
                text = f"A term of the loss ({term.loss}) is multiplied by 0, and nothing else trains "
                text += f"{listed(blocks(idle))}: the gradient of {len(idle)} tensors is exactly 0."
                remedy = "Give the term a weight, or leave it and its layers away."
                found.append(Finding(NAME, "warning", "A term of the loss weighs 0", text, remedy=remedy))
        return found
