"""Are there blocks that never run, beside others of their kind that do?"""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook

from snellen.checks.training._base import TrainingCheck, listed
from snellen.findings.finding import Finding
from snellen.training.health.facts import Observation
from snellen.training.health.kept import kept

NAME = "training/never_ran"


@dataclass(frozen=True)
class NeverRan(TrainingCheck):
    """Blocks of random weights that an optimizer holds and that did not run, beside blocks of the same class that did.

    A ``return`` inside a loop, or a stage that was left out of the forward. Blocks are siblings if they have one class,
    one parent and one name up to its number, and hold two layers or more with parameters: heads and embeddings are
    often used one at a time. A warning, if ``tries`` more forwards with other random numbers do not run them either
    (layers that are dropped at random). Nothing is said where the network chooses (argmax, an order): experts may be
    without an image.

    What would refute it: a network that grows while it is trained; tasks by turns, each with its own blocks.
    """

    tries: int = 3

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        ran = {call.name for call in seen.modules}
        kinds: dict[tuple[str, str, type[nn.Module]], list[str]] = defaultdict(list)
        for name, module in seen.setup.module.named_modules():
            parent, _, own = name.rpartition(".")
            if own != own.rstrip("0123456789"):
                kinds[parent, own.rstrip("0123456789"), type(module)].append(name)
        idle = [
            name
            for names in kinds.values()
            if any(name in ran for name in names)
            for name in names
            if name not in ran and self._waits(seen, name)
        ]
        if not idle or seen.marks.chosen or not seen.has_graph or self._runs_at_times(seen, idle):
            return []
        text = f"{listed(idle)} did not run, and {'is' if len(idle) == 1 else 'are'} in an optimizer, at random "
        text += "numbers; others of the same kind beside them ran."
        remedy = "Look for a return or break inside the loop over the blocks, and for a block that forward leaves out."
        return [Finding(NAME, "warning", f"Never ran: {listed(idle)}", text, remedy=remedy)]

    @staticmethod
    def _waits(seen: Observation, name: str) -> bool:
        """Two layers or more, all weights random, in an optimizer, and not part of the loss in another way."""
        own = [p for p in seen.parameters if p.name.startswith(f"{name}.")]
        heavy = [p for p in own if len(p.shape) > 1]
        idle = all(p.fresh.random and p.groups and not p.reaches and not p.called for p in heavy)
        return bool(heavy) and len({p.module for p in own}) >= 2 and idle

    def _runs_at_times(self, seen: Observation, idle: Sequence[str]) -> bool:
        """Whether another draw runs one of them."""
        setup = seen.setup
        waiting = {id(m) for name, m in setup.module.named_modules() if name in idle}
        ran: list[int] = []

        def note(module: nn.Module, _inputs: object) -> None:
            ran.extend([id(module)] * (id(module) in waiting))

        hook = register_module_forward_pre_hook(note)
        try:
            with kept(setup.modules, setup.optimizers), torch.no_grad():
                for number in range(self.tries):
                    random.seed(seen.seed + number + 1)
                    torch.manual_seed(seen.seed + number + 1)
                    setup.value()
        except (ArithmeticError, ValueError, RuntimeError):
            return True
        finally:
            hook.remove()
        return bool(ran)
