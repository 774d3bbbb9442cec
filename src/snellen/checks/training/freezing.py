"""Do the optimizer and requires_grad agree on what is trained?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from snellen.checks.training._base import TrainingCheck, blocks, listed
from snellen.findings.finding import Finding, Severity
from snellen.training.health.facts import Observation
from snellen.training.health.verdicts import verdicts

NAME = "training/freezing"


@dataclass(frozen=True)
class Freezing(TrainingCheck):
    """Two ways to freeze a layer, leaving it out of the optimizer and ``requires_grad_(False)``, that contradict.

    - ``module.requires_grad = ...`` on a module sets an attribute and reaches no parameter: error where the module was
      to be trained and its parameters are frozen, warning where it was to be frozen and they are trained.
    - Weights that are not random ask for a gradient, get one and are in no optimizer, while other weights of the
      network are frozen by ``requires_grad``: warning. Who freezes so would have frozen these so. Random ones are
      judged in ``parameters``.

    What would refute it: an optimizer that was not given.
    """

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        return [*self._attribute(seen), *self._unfrozen(seen)]

    def _unfrozen(self, seen: Observation) -> Iterator[Finding]:
        found = verdicts(seen)
        idle = [p for p in seen.parameters if found[p.name] == "frozen on purpose" and len(p.shape) > 1 and p.reaches]
        asks = [p for p in idle if p.requires_grad and p.grad == "finite" and not p.groups]
        frozen = [p for p in idle if not p.requires_grad]
        if asks and frozen and seen.trained:
            text = f"{listed(blocks([p.name for p in asks]))} ask for a gradient, get one, and are in no optimizer; "
            text += f"{listed(blocks([p.name for p in frozen]))} are frozen by requires_grad, as these are not."
            remedy = "Make the optimizer after layers were unfrozen, or add them by add_param_group."
            yield Finding(NAME, "warning", "Unfrozen and in no optimizer", text, remedy=remedy)

    def _attribute(self, seen: Observation) -> Iterator[Finding]:
        for name, module in seen.setup.module.named_modules():
            meant = module.__dict__.get("requires_grad")
            states = {p.requires_grad for p in module.parameters()}
            if not isinstance(meant, bool) or not states or states == {meant}:
                continue
            text = f"{name or 'The network'}.requires_grad was set to {meant}, which is an attribute of the module and "
            text += f"reaches no parameter: {'some of them are frozen' if meant else 'some of them are trained'}."
            remedy = f"Call requires_grad_({meant}) on the module."
            severity: Severity = "error" if meant else "warning"
            yield Finding(NAME, severity, "An attribute that does nothing", text, remedy=remedy)
            return
