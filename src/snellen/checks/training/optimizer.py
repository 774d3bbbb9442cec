"""Do the optimizers hold this network's parameters, and does their step write to them?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from snellen.checks.training._base import TrainingCheck, blocks, listed
from snellen.findings.finding import Finding, Severity
from snellen.training.health.facts import Observation
from snellen.training.health.verdicts import verdicts

NAME = "training/optimizer"


@dataclass(frozen=True)
class Optimizer(TrainingCheck):
    """Stale, double and idle optimizers.

    - Stale (error): an optimizer holds tensors that are not the network's and got no gradient, and the network has
      parameters that ask for a gradient and are in no optimizer: it was made before the network was replaced. Refuted
      by another network that these tensors belong to; an optimizer all of whose tensors are foreign is only mentioned
      when some other optimizer holds the network's.
    - Stepped but unchanged (error): a finite gradient, a learning rate, a step large enough to be seen in the
      parameter's precision, and not a bit changed, while other parameters of the same optimizer did change. Where
      nothing changed at all it is a warning: a wrapper may step only every few calls.
    - Learning rate 0 (error) in all groups of an optimizer that was made with 0 and has no schedule; else mentioned,
      for a warm-up begins at 0. A group at 0 beside others that are not, without a schedule, with random weights:
      warning; an error if these are two layers or more of exact random numbers before trained ones, and no weight of
      such a group is anything but random (as for frozen layers).
    - A schedule has brought a rate below ``nothing`` of what it began with, and the loss is still that of knowing
      nothing or the weights are random: error (a warm-up begins at 0 itself, or far above).
    - Momentum of 1 or more: error; above ``slow``: warning, as a first beta above the second. Dampening of 1 beside a
      momentum: error, for no gradient after the first is used. ``maximize`` of a loss that should fall: warning.
    - Twice in one optimizer, or in two that both step in this loss (warning).
    """

    slow: float = 0.99
    nothing: float = 1e-11

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        found = [*self._stale(seen), *self._unchanged(seen), *self._idle(seen), *self._idle_groups(seen)]
        found += [*self._annealed(seen), *self._direction(seen), *self._double(seen)]
        if seen.trial.failure and seen.has_graph and not seen.trial.failure.startswith("no gradient"):
            text = f"The optimizers' step raises {seen.trial.failure}."
            found.append(Finding(NAME, "error", "The step fails", text, remedy="Mend what the message names."))
        if found:
            return found
        rules = [f"{r.name} holds {r.own} of {len(seen.parameters)} parameter tensors" for r in seen.rules]
        return [Finding(NAME, "ok", "Optimizers", f"{'; '.join(rules) or 'No optimizer was given'}.")]

    def _stale(self, seen: Observation) -> Iterator[Finding]:
        absent = [p for p in seen.parameters if not p.groups and p.requires_grad]
        for number, rule in enumerate(seen.rules):
            foreign = [s for s in seen.strangers if s.optimizer == number and not s.grad]
            if not foreign:
                continue
            shapes = [p.shape for p in absent]
            matching = [s for s in foreign if s.shape in shapes]
            mixed = rule.own > 0 or not any(r.own for r in seen.rules)
            if absent and (matching or rule.own > 0) and mixed:
                text = (
                    f"{rule.name} holds {len(foreign)} tensors that are not in the network and get no gradient, while "
                    f"{listed(blocks([p.name for p in absent]))} of the network "
                    f"{'is' if len(absent) == 1 else 'are'} in "
                    f"no optimizer ({len(matching)} of the tensors have the shape of one of these)."
                )
                yield Finding(
                    NAME,
                    "error",
                    "The optimizer holds a network that is gone",
                    text,
                    measured={"stale_tensors": len(foreign)},
                    remedy="Make the optimizer after the network is in its final form: after a layer is replaced, a "
                    "copy is made or weights are wrapped.",
                )
            else:
                text = f"{rule.name} holds {len(foreign)} tensors that are not in the network and got no gradient here."
                yield Finding(NAME, "info", "In the optimizer but not in the network", text)

    def _unchanged(self, seen: Observation) -> Iterator[Finding]:
        found = verdicts(seen)
        still = [p for p in seen.parameters if found[p.name] == "stepped but unchanged"]
        moved = {o for p in seen.parameters if p.changed for o, _, _ in p.groups}
        hard = [p for p in still if p.visible and p.groups[0][0] in moved]
        soft = [p for p in still if p.visible and p.groups[0][0] not in moved]
        if hard:
            text = f"{listed([p.name for p in hard])} have a gradient and a learning rate, "
            text += "and the step left every bit of them."
            remedy = (
                "Look for a step that skips them, a copy of them that is stepped instead, or a mask on their gradient."
            )
            yield Finding(NAME, "error", "Stepped but unchanged", text, remedy=remedy)
        if soft:
            text = f"One step of {listed(sorted({seen.rules[p.groups[0][0]].name for p in soft}))} changed none of its "
            text += f"parameters ({listed([p.name for p in soft])}), although they have gradients."
            remedy = "If it gathers gradients over several calls this is meant; else see what its step does."
            yield Finding(NAME, "warning", "The step changes nothing", text, remedy=remedy)
        fine = [p for p in still if not p.visible and len(p.shape) >= 2]
        if fine:
            text = f"The step of {listed([p.name for p in fine])} is too small to change a bit in their precision."
            yield Finding(NAME, "info", "Steps below the precision", text)

    def _idle(self, seen: Observation) -> Iterator[Finding]:
        for rule in seen.rules:
            if not rule.rates or any(rate != 0 for rate in rule.rates):
                continue
            built = rule.settings.get("lr") == 0 and not rule.scheduled
            text = f"The learning rate of {rule.name} is 0 in all its groups"
            if built:
                text += ", it was made with 0, and no schedule has hold of it: its parameters never change."
                remedy = "Give it a learning rate."
                yield Finding(NAME, "error", "Learning rate 0", text, remedy=remedy)
            else:
                yield Finding(NAME, "info", "Learning rate 0 at this step", f"{text} at this step, as in a warm-up.")

    def _idle_groups(self, seen: Observation) -> Iterator[Finding]:
        """Random weights in a group of rate 0 while other groups of the same optimizer have one."""
        working = {n for n, rule in enumerate(seen.rules) if any(rate != 0 for rate in rule.rates)}
        idle = [
            p.name
            for p in seen.parameters
            if p.groups and not p.scheduled and p.requires_grad and p.grad == "finite" and p.fresh.random
            if all(rate == 0 and o in working for o, _, rate in p.groups)
        ]
        if idle:
            text = f"{listed(blocks(idle))} keep the random numbers of their initialisation: they are in a group whose "
            text += "learning rate is 0, without a schedule, while other groups are trained."
            remedy = "Give the group a learning rate, or load pretrained weights for it."
            held = [p for p in seen.parameters if p.groups and all(rate == 0 for _, _, rate in p.groups)]
            heavy = [p for p in held if len(p.shape) > 1]
            before = [p for p in heavy if p.name in idle and p.fresh.verdict == "exact" and seen.feeds(p.name)]
            other = any(p.fresh.verdict in ("no", "unknown") for p in heavy)
            severity: Severity = "error" if len({p.module for p in before}) >= 2 and not other else "warning"
            yield Finding(NAME, severity, "Learning rate 0 for random layers", text, remedy=remedy)

    def _annealed(self, seen: Observation) -> Iterator[Finding]:
        """A schedule that has used up the rate before anything was learnt."""
        weights = [p for p in seen.parameters if p.trains and len(p.shape) > 1]
        young = sum(p.count for p in weights if p.fresh.random) > sum(p.count for p in weights) / 2
        for optimizer, rule in zip(seen.setup.optimizers, seen.rules, strict=True):
            begun = [float(g["initial_lr"]) for g in optimizer.param_groups if "initial_lr" in g]
            if not young or len(begun) != len(rule.rates) or not begun:
                continue
            if all(0 < rate < self.nothing * first for rate, first in zip(rule.rates, begun, strict=True)):
                text = f"A schedule has taken the learning rate of {rule.name} from {max(begun):g} to "
                text += f"{max(rule.rates):.2g}, and the weights are still those of the initialisation."
                remedy = "Step the schedule once an epoch if it counts epochs, and see how often it is stepped."
                yield Finding(NAME, "error", "The schedule has used up the rate", text, remedy=remedy)

    def _direction(self, seen: Observation) -> Iterator[Finding]:
        for rule in seen.rules:
            momentum, first, second = (rule.settings.get(k, 0.0) for k in ("momentum", "beta1", "beta2"))
            if not isinstance(first, str) and not isinstance(second, str) and first > second > 0:
                text = f"{rule.name} has betas ({first:g}, {second:g}): the mean of the gradients reaches "
                text += "farther back than that of their squares, by which it is divided: steps of any length come out."
                yield Finding(NAME, "warning", "Betas in the wrong order", text, remedy="Usual are (0.9, 0.999).")
            if not isinstance(momentum, str) and self.slow < momentum < 1:
                text = f"{rule.name} has momentum {momentum:g}: every step is the sum of the last "
                text += f"{1 / (1 - momentum):,.0f} gradients, and {1 / (1 - momentum):,.0f} times as long as one."
                yield Finding(NAME, "warning", "Momentum too near 1", text, remedy="Use 0.9, or 0.99 at most.")
            if not isinstance(momentum, str) and momentum >= 1:
                text = (
                    f"{rule.name} has momentum {momentum:g}: its velocity never fades, so the steps grow without end."
                )
                yield Finding(NAME, "error", "Momentum of 1 or more", text, remedy="Use 0.9.")
            if rule.settings.get("dampening") == 1 and not isinstance(momentum, str) and momentum > 0:
                text = f"{rule.name} has dampening 1: the velocity takes 1 - 1 = 0 of every gradient after the first."
                yield Finding(NAME, "error", "Dampening of 1", text, remedy="Leave dampening at 0.")
            kinds = {c.name for c in seen.losses if c.value > 0}
            if rule.settings.get("maximize") is True and kinds and seen.loss > 0:
                text = f"{rule.name} has maximize=True and climbs {listed(sorted(kinds))}, which is to fall."
                yield Finding(NAME, "warning", "The optimizer climbs", text, remedy="Leave maximize away.")

    def _double(self, seen: Observation) -> Iterator[Finding]:
        twice = [number for number, rule in enumerate(seen.rules) if rule.duplicates]
        for number in twice:
            text = f"{seen.rules[number].name} holds {seen.rules[number].duplicates} parameters more than once."
            yield Finding(
                NAME, "warning", "A parameter twice in an optimizer", text, remedy="List each parameter once."
            )
        idle = {o for p in seen.parameters if p.grad == "none" for o, _, _ in p.groups}
        shared = [p.name for p in seen.parameters if len({o for o, _, _ in p.groups} - idle) > 1]
        if shared:
            text = (
                f"{listed(shared)} {'is' if len(shared) == 1 else 'are'} in two optimizers that both step in this loss."
            )
            yield Finding(
                NAME,
                "warning",
                "A parameter in two optimizers",
                text,
                remedy="Let one of them step it, or say why both.",
            )
