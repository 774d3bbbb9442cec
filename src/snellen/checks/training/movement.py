"""Do the parameters move in the user's own loop?"""

from collections.abc import Sequence
from dataclasses import dataclass

from snellen.checks.training._base import TrainingCheck, blocks, listed
from snellen.findings.finding import Finding
from snellen.training.health.facts import Observation

NAME = "training/movement"


@dataclass(frozen=True)
class Movement(TrainingCheck):
    """What the loop has moved, beside what one step of its optimizers would move.

    Asked by ``TrainingAudit``. The bits of every parameter are compared with those at the beginning. A parameter that
    no bit has changed of in ``steps`` steps of its optimizer, while one step of it on this batch, made by the audit,
    does change it: an error if that holds for all parameters, a warning if for some, for these may have had a gradient
    only now and then. A warning too if no optimizer has made a step in ``rounds`` rounds.

    What would refute it: gradients that are gathered for more rounds than that; experts and embeddings that this batch
    is the first to use.
    """

    steps: int = 20
    rounds: int = 100

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        past = seen.asked.past
        if past is None or not seen.rules:
            return []
        if not any(past.steps):
            if past.rounds <= self.rounds:
                return []
            text = f"No optimizer has made a step in {past.rounds - 1} rounds of the loop."
            remedy = "Call optimizer.step() after backward(); with a GradScaler, see whether it skips every step."
            return [Finding(NAME, "warning", "The loop never steps", text, remedy=remedy)]
        asked = [p for p in seen.parameters if p.groups and min(past.steps[o] for o, _, _ in p.groups) >= self.steps]
        movable = [p.name for p in asked if p.changed]
        still = [name for name in movable if name not in past.moved]
        if not movable:
            return []
        if not still:
            text = f"{max(past.steps)} steps have moved all {len(movable)} parameter tensors that a step can change."
            return [Finding(NAME, "ok", "The loop moves its parameters", text)]
        whole = len(still) == len(movable)
        text = (
            f"{max(past.steps)} steps of the loop have left every bit of {listed(blocks(still))} as it was; one step "
            "of the same optimizer with the gradient of this batch, made by the audit, changes them."
        )
        remedy = (
            "Look for zero_grad() between backward() and step(), for gradients that are replaced, and for a second "
            "copy of the network that the loop runs in place of this one."
        )
        title = "The loop moves nothing" if whole else f"The loop does not move {listed(blocks(still))}"
        return [Finding(NAME, "error" if whole else "warning", title, text, remedy=remedy)]
