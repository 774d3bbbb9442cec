"""Is the target of a loss itself pulled towards the answer, or drawn without a gradient?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from snellen.checks.training._base import TrainingCheck, blocks, listed
from snellen.findings.finding import Finding
from snellen.training.health.facts import Observation

NAME = "training/moving_target"


@dataclass(frozen=True)
class MovingTarget(TrainingCheck):
    """Where gradients go that should not, and do not go where they should, between two parts of a network.

    - The target of a loss function of PyTorch has a gradient, and weights that are trained make it which have no part
      in the input: warning. A teacher, or a target network, is pulled to the student; two towers to each other, where
      both may end at one point.
    - The target of ``kl_div`` or ``cross_entropy`` has a gradient and the input has none, though an optimizer holds
      what computes it: error, the wrong side was detached.
    - A draw from a normal or Poisson distribution whose parameters trained layers compute, and which trained layers
      work on: warning. It passes no gradient; a code is drawn as mean + deviation * noise.

    Refuted by networks that teach each other on purpose with nothing that could collapse, and by draws that are to be
    rewarded (log_prob).

    Reference: Kingma and Welling 2014, arXiv:1312.6114, section 2.4; Mnih et al. 2015, Nature 518, on targets.
    """

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        heavy = frozenset(p.name for p in seen.parameters if p.trains and p.grad == "finite" and len(p.shape) > 1)
        return [*self._pulled(seen, heavy), *self._drawn(seen, heavy)]

    def _pulled(self, seen: Observation, heavy: frozenset[str]) -> Iterator[Finding]:
        held = frozenset(p.name for p in seen.parameters if p.groups and p.requires_grad)
        for call, (source, aim) in zip(seen.losses, seen.marks.aims, strict=False):
            if call.one_sided and call.name in ("kl_div", "cross_entropy") and source & held and heavy & aim:
                names = listed(blocks([n for n in seen.named if n in source & held]))
                text = f"The input of {call.name} has no gradient and its target has one: {names} are not moved to the "
                text += "target, the target is moved to them."
                remedy = "Detach the target and not the input."
                yield Finding(NAME, "error", "The target is trained in place of the answer", text, remedy=remedy)
                return
            if heavy & aim and heavy & source and not heavy & aim & source:
                names = listed(blocks([n for n in seen.named if n in heavy & aim]))
                text = f"The target of {call.name} is computed by {names} and has a gradient: it is moved towards the "
                text += "answer as the answer is towards it."
                remedy = "Compute the target in torch.no_grad(), or detach it; leave its weights out of the optimizer."
                yield Finding(NAME, "warning", "The target is trained too", text, remedy=remedy)
                return

    def _drawn(self, seen: Observation, heavy: frozenset[str]) -> Iterator[Finding]:
        before, behind = heavy & seen.marks.drawn, heavy & seen.marks.drawn_into
        if before and behind:
            text = f"{listed(blocks([n for n in seen.named if n in behind]))} work on a draw whose mean or deviation "
            text += f"{listed(blocks([n for n in seen.named if n in before]))} compute; through it no gradient passes."
            remedy = "Draw as mean + deviation * torch.randn_like(deviation), or by rsample()."
            yield Finding(NAME, "warning", "A draw passes no gradient", text, remedy=remedy)
