"""Is the epsilon of an adaptive optimizer larger than the gradients that it is to divide?"""

from collections.abc import Sequence
from dataclasses import dataclass

from torch.optim import Optimizer

from snellen.checks.training._base import TrainingCheck
from snellen.checks.training._rates import STEPS, falls
from snellen.findings.finding import Finding
from snellen.training.health.facts import Observation
from snellen.training.health.walk import walk

NAME = "training/epsilon"
USUAL = 1e-8


@dataclass(frozen=True)
class Epsilon(TrainingCheck):
    """Adam and its kin divide each gradient by the root of its mean square plus epsilon.

    Where epsilon is ``drowns`` times the gradients (root of the mean square over a tensor) of more than half of the
    trained weights, the quotient is the gradient divided by epsilon: plain descent at the rate lr / epsilon. That may
    be meant (1 and 0.1 are in use for large networks), so it is tried out: an error if 16 steps on this batch lower the
    loss by a twentieth with an epsilon of 1e-8, and not as it is; else it is mentioned.

    What would refute it: gradients that grow a thousandfold after the first steps.

    Reference: Kingma and Ba 2015, arXiv:1412.6980, algorithm 1.
    """

    drowns: float = 30.0

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        adaptive = {n: o for n, o in enumerate(seen.setup.optimizers) if _epsilon(o) > 1e-4}
        weights = [p for p in seen.parameters if p.trains and p.grad == "finite" and len(p.shape) > 1]
        held = [(p, _epsilon(adaptive[o])) for p in weights for o, _, _ in p.groups if o in adaptive]
        drowned = [(p, eps) for p, eps in held if eps > self.drowns * p.grad_norm / p.count**0.5]
        if not drowned or len(drowned) <= len(weights) / 2 or not seen.loss > 0:
            return []
        largest = max(eps for _, eps in drowned)
        rate = max(rate for p, _ in drowned for _, _, rate in p.groups)
        text = f"Its epsilon is {largest:g}, and the gradients of {len(drowned)} of {len(weights)} weights are at most "
        text += f"{max(p.grad_norm / p.count**0.5 for p, _ in drowned):.2g} in size: a step is the gradient times "
        text += f"{rate / largest:.2g}."
        own = walk(seen.setup, STEPS, seed=seen.seed, halt=lambda losses: falls(losses, losses[0]))
        if not falls(own, own[0]):

            def usual() -> None:
                for optimizer in adaptive.values():
                    for group in optimizer.param_groups:
                        group["eps"] = USUAL

            other = walk(seen.setup, STEPS, seed=seen.seed, change=usual, halt=lambda so: falls(so, so[0]))
            if falls(other, other[0]):
                text += f" Tried on this batch alone: {len(own) - 1} steps bring the loss from {own[0]:.4g} to "
                text += f"{own[-1]:.4g}, {len(other) - 1} with an epsilon of {USUAL:g} to {other[-1]:.4g}."
                remedy = "Leave eps at 1e-8; a larger one wants a learning rate that is as many times larger."
                return [Finding(NAME, "error", "Epsilon is larger than the gradients", text, remedy=remedy)]
        return [Finding(NAME, "info", "Epsilon is larger than the gradients", text)]


def _epsilon(optimizer: Optimizer) -> float:
    """The largest of its groups, where it keeps means of squares; else 0."""
    known = {"betas", "alpha", "rho", "beta2_decay"}
    found = [g["eps"] for g in optimizer.param_groups if known & set(g) and isinstance(g.get("eps"), int | float)]
    return max(map(float, found), default=0.0)
