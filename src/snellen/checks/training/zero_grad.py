"""Are gradients cleared between steps?"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from snellen.checks.training._base import TrainingCheck, listed
from snellen.findings.finding import Finding
from snellen.training.health.facts import Observation
from snellen.training.health.kept import Buffers, Dice, kept

NAME = "training/zero_grad"


@dataclass(frozen=True)
class ZeroGrad(TrainingCheck):
    """One step of the user's own loop, made twice from the same state: are the second gradients the first, doubled?

    Asked for by ``step``: a function that makes one step on one batch. Parameters, buffers and random numbers are put
    back between the two, gradients are not; so without ``zero_grad`` the second run leaves exactly 2 g. An error if the
    step also changed parameters; where it did not, gradients are gathered on purpose. A step that changes nothing at
    all in both runs and clears nothing is mentioned. Refuted by nothing: doubling is exact in floating point.
    Without ``step``, gradients that are there when the audit begins are mentioned.
    """

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        step = seen.asked.step
        if step is None:
            if not seen.stale_grads:
                return []
            text = f"{listed(seen.stale_grads)} had a gradient when the audit began; the next backward adds to it."
            return [Finding(NAME, "info", "Gradients are waiting", text)]
        held = {p.name for p in seen.parameters if p.groups}
        parameters = {n: p for n, p in seen.setup.module.named_parameters() if n in held}
        with kept(seen.setup.modules, seen.setup.optimizers), torch.enable_grad():
            dice, buffers = Dice(), Buffers(seen.setup.modules)
            start = {n: p.detach().clone() for n, p in parameters.items()}
            step()
            first = _gradients(parameters)
            moved = [n for n, p in parameters.items() if not torch.equal(p.detach(), start[n])]
            for name, parameter in parameters.items():
                parameter.data.copy_(start[name])
            dice.throw_again()
            buffers.put_back()
            step()
            second = _gradients(parameters)
        doubled = [n for n, g in first.items() if n in second and bool(g.any()) and torch.equal(second[n], 2 * g)]
        if doubled and moved:
            text = "A second step of the loop leaves exactly twice the gradient of the "
            text += f"first in {listed(doubled)}, and the"
            text += " parameters change at every step: each step follows the sum of all gradients so far."
            remedy = "Call optimizer.zero_grad() before every backward()."
            return [Finding(NAME, "error", "Gradients are never cleared", text, remedy=remedy)]
        if not moved:
            text = "One step of the loop changes no parameter. Either it gathers "
            text += "gradients, or optimizer.step() is missing."
            return [Finding(NAME, "warning", "The loop's step changes nothing", text, remedy="Call optimizer.step().")]
        text = f"One step of the loop changes {len(moved)} parameter tensors, and its gradients do not pile up."
        return [Finding(NAME, "ok", "Gradients are cleared", text)]


def _gradients(parameters: dict[str, torch.nn.Parameter]) -> dict[str, Tensor]:
    return {n: p.grad.detach().clone() for n, p in parameters.items() if p.grad is not None and not p.grad.is_sparse}
