"""Does the user's own loop clear its gradients, step, and move?"""

from collections.abc import Sequence
from dataclasses import dataclass

from snellen.checks.training._base import TrainingCheck, listed
from snellen.findings.finding import Finding
from snellen.training.health.facts import Observation
from snellen.training.health.loop import MOST, LoopStep, watch_loop
from snellen.training.health.recorder import Past

NAME = "training/zero_grad"
CLEAR = "Call optimizer.zero_grad() before every backward()."


@dataclass(frozen=True)
class ZeroGrad(TrainingCheck):
    """One step of the user's own loop, made twice from the same state: are the second gradients the first, doubled?

    Asked for by ``step``: a function that makes one step on one batch. Parameters, buffers and random numbers are put
    back between the two, gradients are not; so without ``zero_grad`` the second run leaves exactly 2 g. An error if the
    step also changed parameters; where it did not, gradients are gathered on purpose, and it is called on until they
    are used: a warning if 32 calls change nothing. A warning too where the loop moves less than ``least`` of what the
    optimizer makes of the gradient itself, or less than a twentieth (its decay) with a gradient below a tenth of
    ``least`` of what it should be: it is clipped or divided to nothing. Refuted by nothing: doubling is exact in
    floating point. Without ``step``, gradients that are there when the audit begins are mentioned.

    Called by the loop itself (``TrainingAudit``), it looks at the loop's own first two steps: an error if the gradient
    that the first had used was still there, bit for bit, when the next backward added to it, and the second used the
    sum.
    """

    least: float = 1e-3

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        if seen.asked.past is not None:
            return self._of(seen.asked.past)
        if seen.asked.step is None:
            if not seen.stale_grads:
                return []
            text = f"{listed(seen.stale_grads)} had a gradient when the audit began; the next backward adds to it."
            return [Finding(NAME, "info", "Gradients are waiting", text)]
        done = watch_loop(seen)
        if done.doubled and done.calls == 1:
            text = "A second step of the loop leaves exactly twice the gradient of the "
            text += f"first in {listed(done.doubled)}, and the"
            text += " parameters change at every step: each step follows the sum of all gradients so far."
            return [Finding(NAME, "error", "Gradients are never cleared", text, remedy=CLEAR)]
        if not done.moved:
            text = f"{MOST} steps of the loop change no parameter: optimizer.step() is missing, or its gradients are."
            return [Finding(NAME, "warning", "The loop's step changes nothing", text, remedy="Call optimizer.step().")]
        return [self._judge(done, seen)]

    @staticmethod
    def _of(past: Past) -> Sequence[Finding]:
        if past.reused:
            text = f"The gradient of {listed(past.reused)} that a step had used was still there, bit for bit, when the "
            text += "next backward added to it, and the next step used the sum: each follows all gradients so far."
            return [Finding(NAME, "error", "Gradients are never cleared", text, remedy=CLEAR)]
        if max(past.steps, default=0) < 2:
            return []
        return [Finding(NAME, "ok", "Gradients are cleared", "The second step used no gradient of the first.")]

    def _judge(self, done: LoopStep, seen: Observation) -> Finding:
        text = f"One step of the loop changes {len(done.moved)} parameter tensors"
        text += f", at call {done.calls}" if done.calls > 1 else ", and its gradients do not pile up"
        whole = sum(p.grad_norm**2 for p in seen.parameters if p.groups and p.grad == "finite") ** 0.5
        shrunk = 0 < done.gradient < self.least * whole / 10 and done.travelled < seen.trial.travelled / 20
        if shrunk or done.travelled < self.least * seen.trial.travelled:
            text = (
                f"A step of the loop moves the parameters by {done.travelled:.2g}; with the gradient of the batch as "
            )
            text += f"it is the optimizer would move them by {seen.trial.travelled:.2g}."
            remedy = "Look for a gradient that is clipped to a tiny norm, or a loss that is divided, in the loop."
            return Finding(NAME, "warning", "The loop's step hardly moves anything", text, remedy=remedy)
        return Finding(NAME, "ok", "Gradients are cleared", f"{text}.")
