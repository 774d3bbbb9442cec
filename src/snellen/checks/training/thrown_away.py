"""Does the main path of the network reach the loss, or is its output thrown away?"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from snellen.checks.training._base import TrainingCheck, blocks, listed
from snellen.findings.finding import Finding
from snellen.training.health.facts import Observation, Parameter
from snellen.training.health.verdicts import verdicts

NAME = "training/thrown_away"


@dataclass(frozen=True)
class ThrownAway(TrainingCheck):
    """Layers that run on features of the trained ones, stand in the same optimizer, and do not reach the loss.

    An error too are random layers in an optimizer that ran inside the network, whose result is neither in the loss nor
    in what the network returns: a slip in its forward, such as a layer that is applied to the wrong variable.

    A head that is not used now is usual and is only mentioned (``gradient``). It is an error where what is thrown away
    is the main path: ``deep`` layers of weights or more, deeper and larger than what the loss does use behind the place
    where the two part, and more than ``share`` of all weights that run.

    What would refute it: early exits that are trained by turns, with another exit in each step.
    """

    deep: int = 3
    share: float = 1 / 3

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        return [*self._inside(seen), *self._main(seen)]

    def _inside(self, seen: Observation) -> Sequence[Finding]:
        found, returned = verdicts(seen), seen.marks.returned
        lost = [
            p.name
            for p in seen.parameters
            if found[p.name] == "no path to the loss" and _runs(p) and p.groups and p.fresh.random and len(p.shape) > 1
            if returned is not None and p.name not in returned and not p.severed
        ]
        if not lost or not seen.has_graph:
            return []
        text = f"{listed(blocks(lost))} ran in the forward, and what came of {'it' if len(lost) == 1 else 'them'} is "
        text += "neither in the loss nor in what the network returns: it is dropped on the way."
        remedy = "See what the forward does with the result, and what the next layer is applied to."
        return [Finding(NAME, "error", f"Computed and dropped: {listed(blocks(lost))}", text, remedy=remedy)]

    def _main(self, seen: Observation) -> Sequence[Finding]:
        found = verdicts(seen)
        alive = {o for p in seen.parameters if p.trains and p.grad == "finite" for o, _, _ in p.groups}
        weights = [p for p in seen.parameters if len(p.shape) > 1]
        lost = [p for p in weights if found[p.name] == "no path to the loss" and _runs(p) and _in(p, alive)]
        used = [p for p in weights if p.trains and p.grad == "finite"]
        shared = {name for p in lost for name in p.consumes} & {p.name for p in used}
        behind = [p for p in used if p.name not in shared and p.consumes & shared]
        if not shared or not behind or _depth(lost) < max(self.deep, _depth(behind) + 1):
            return []
        numbers, kept = sum(p.count for p in lost), sum(p.count for p in behind)
        if numbers <= max(kept, self.share * (numbers + sum(p.count for p in used))):
            return []
        text = f"{listed(blocks([p.name for p in lost]))} run on the features of {listed(blocks(sorted(shared)))} and "
        text += "are in the optimizer, but what they compute is thrown away: behind the fork the loss sees "
        text += f"{listed(blocks([p.name for p in behind]))} alone. {numbers:,} weights in {_depth(lost)} layers are "
        text += f"not trained, {kept:,} are."
        remedy = "See which output of the network the loss is given: often the auxiliary one in place of the first."
        measured = {"thrown_away_weights": numbers}
        return [Finding(NAME, "error", "The main output is thrown away", text, measured=measured, remedy=remedy)]


def _runs(p: Parameter) -> bool:
    return p.called and p.applied and p.requires_grad


def _in(p: Parameter, optimizers: set[int]) -> bool:
    return any(o in optimizers for o, _, _ in p.groups)


def _depth(parameters: Iterable[Parameter]) -> int:
    """The most of these that stand one behind the other."""
    depth: dict[str, int] = {}
    for p in sorted(parameters, key=lambda p: len(p.consumes)):
        depth[p.name] = 1 + max((depth[q] for q in p.consumes if q in depth), default=0)
    return max(depth.values(), default=0)
