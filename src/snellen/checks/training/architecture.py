"""Are blocks shared, or pixels passed over, by a slip in how the network is built?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import nn

from snellen.checks.training._base import TrainingCheck
from snellen.findings.finding import Finding
from snellen.training.health.facts import Observation

NAME = "training/architecture"


@dataclass(frozen=True)
class Architecture(TrainingCheck):
    """What a network's modules show before any number is computed.

    - One block with weights that stands several times in a ``Sequential`` or ``ModuleList``, as ``[block] * 3`` makes
      it: warning. Its weights are shared; sharing on purpose (ALBERT) calls one block in a loop.
    - A convolution that meets the images and whose stride is larger than its kernel: warning, with the share of the
      pixels that it never reads.

    What would refute it: shared weights that are meant, on a list of them.
    """

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        return [*self._shared(seen), *self._skips(seen)]

    def _shared(self, seen: Observation) -> Iterator[Finding]:
        for name, module in seen.setup.module.named_modules():
            if not isinstance(module, nn.Sequential | nn.ModuleList):
                continue
            heavy = [child for child in module if any(p.ndim > 1 for p in child.parameters())]
            twice = [child for child in {id(c): c for c in heavy}.values() if sum(c is child for c in heavy) > 1]
            if twice:
                count = sum(child is twice[0] for child in heavy)
                text = f"{name or 'The network'} lists one {type(twice[0]).__name__} {count} times: the {count} places "
                text += "share their weights."
                remedy = "Make each block anew: [Block() for _ in range(3)], not [Block()] * 3."
                yield Finding(NAME, "warning", "One block stands several times", text, remedy=remedy)
                return

    def _skips(self, seen: Observation) -> Iterator[Finding]:
        first = {seen.parameters[number].module for entry in seen.entries for number in entry.numbers}
        for call in seen.modules:
            module = call.module
            if call.name not in first or not isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d):
                continue
            spans = [d * (k - 1) + 1 for d, k in zip(module.dilation, module.kernel_size, strict=True)]
            if any(s > max(k, span) for s, k, span in zip(module.stride, module.kernel_size, spans, strict=True)):
                read = 1.0
                for k, s in zip(module.kernel_size, module.stride, strict=True):
                    read *= min(1.0, k / s)
                text = f"{call.name} meets the images with a kernel of {module.kernel_size} and a stride of "
                text += f"{module.stride}: {1 - read:.0%} of the pixels are never read."
                remedy = "Make the kernel at least as large as the stride, as patches have it."
                yield Finding(NAME, "warning", "Pixels that are never read", text, remedy=remedy)
