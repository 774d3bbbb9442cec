"""Do the targets of the batch teach anything?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from snellen._errors import UsageError
from snellen.checks.training._base import TrainingCheck
from snellen.checks.training._rates import from_scratch
from snellen.checks.training._slopes import near, slope, targets_of
from snellen.findings.finding import Finding, Severity
from snellen.training.health.facts import Observation
from snellen.training.health.setup import inputs_and_targets

NAME = "training/targets"
REGRESSIONS = frozenset(["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"])


@dataclass(frozen=True)
class Targets(TrainingCheck):
    """What the targets do to the loss and to its gradient, and what became of them on the way.

    For ``loss(outputs, targets)`` the loss of the outputs is computed again with the targets of the batch in another
    order; the network is not run.

    - The value changes and the gradient does not, bit for bit, neither there nor at made-up outputs of the mean and
      deviation of the targets (where the slope of an absolute error does change): error. The network is told how wrong
      it is and not what would be right: a ``detach`` before the loss function, and a penalty beside it with a gradient.
    - The targets of a regression are one and the same number for ``few`` images or more: warning.
    - A loss function is given the targets of the batch cut to whole numbers, which they were not: warning, and an error
      if only one number is left of them.
    - Targets of three classes or more, and ``cross_entropy`` of three scores or more is given one and the same for
      every image, where random weights are trained: error.
    - A channel of the images is the mask that is asked for, among others that are not: error.

    Nothing is said of a loss that does not look at its targets, or of targets that do not differ.

    What would refute it: outputs for which a constant gradient is right; a guess that is given on purpose.
    """

    few: int = 8

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        try:
            inputs, targets = inputs_and_targets(seen.setup.batch)
        except UsageError:
            return []
        if not isinstance(targets, Tensor) or not targets.ndim or len(targets) < 2:
            return []
        found = [*self._lost(seen, targets)] or [*self._cut(seen, targets)] or [*self._constant(seen, targets)]
        return [*found, *self._idle(seen), *self._given(inputs, targets)]

    def _constant(self, seen: Observation, targets: Tensor) -> Iterator[Finding]:
        calls = [c for c in seen.losses if c.name in REGRESSIONS and c.target.numel() == targets.numel()]
        flat = targets.flatten()
        if len(calls) != 1 or len(seen.losses) != 1 or len(targets) < self.few:
            return
        if bool((flat == flat[0]).all()) and bool((calls[0].target == float(flat[0])).all()):
            text = f"All {len(flat)} targets of {calls[0].name} in this batch are {float(flat[0]):g}: to answer that, "
            text += "whatever the image shows, is right."
            remedy = "Look at how targets are read, rounded and cast."
            yield Finding(NAME, "warning", "Targets that are all the same", text, remedy=remedy)

    def _lost(self, seen: Observation, targets: Tensor) -> Iterator[Finding]:
        calls = [c for c in seen.losses if c.name == "cross_entropy" and c.target.numel() == targets.numel()]
        if len(calls) != 1 or len(targets) < self.few or targets.numel() != len(targets) or not from_scratch(seen):
            return
        target = calls[0].target.flatten()
        kinds = len(targets.unique())
        if calls[0].input.ndim == 2 and calls[0].input.shape[1] > 2 and kinds > 2 and bool((target == target[0]).all()):
            text = f"The batch has {kinds} different targets, and cross_entropy is given {float(target[0]):g} "
            text += "for every image."
            remedy = "Look at what is done to the targets before the loss: argmax of classes, an index, a cast."
            yield Finding(NAME, "error", "Targets are lost on the way", text, remedy=remedy)

    def _cut(self, seen: Observation, targets: Tensor) -> Iterator[Finding]:
        if not targets.is_floating_point() or torch.equal(targets, targets.trunc()):
            return
        for call in seen.losses:
            if call.target.numel() != targets.numel() or call.target.numel() < self.few:
                continue
            if torch.equal(call.target.flatten().to(targets.dtype), targets.trunc().flatten()):
                left = len(call.target.unique())
                text = f"The targets of the batch are numbers from {float(targets.min()):.3g} to "
                text += f"{float(targets.max()):.3g}; {call.name} is given their whole part: of "
                text += f"{len(targets.unique())} different ones {left} {'is' if left == 1 else 'are'} left."
                severity: Severity = "error" if left == 1 else "warning"
                remedy = "Remove long(), int() or the integer type on the way to the loss."
                yield Finding(NAME, severity, "Targets are cut to whole numbers", text, remedy=remedy)
                return

    def _idle(self, seen: Observation) -> Iterator[Finding]:
        targets = targets_of(seen)
        if targets is None or seen.outputs is None:
            return
        other, among = targets.roll(1, 0), near(seen.outputs, targets)
        if torch.equal(other, targets):
            return
        given, exchanged = (slope(seen, seen.outputs, t) for t in (targets, other))
        if given is None or exchanged is None or given[0] == exchanged[0] or not bool(given[1].any()):
            return
        one, two = (slope(seen, among, t) for t in (targets, other))
        alike = one is not None and two is not None and torch.equal(one[1], two[1])
        if alike and torch.equal(given[1], exchanged[1]):
            text = f"The loss of this batch is {given[0]:.6g}, and {exchanged[0]:.6g} when the images have the targets "
            text += "of their neighbours; its gradient by the outputs is the same, bit for bit. So the targets have "
            text += "no part in what is learnt."
            remedy = "Look for detach, no_grad, .data, argmax or a rounding between the outputs and the loss function."
            yield Finding(NAME, "error", "The targets teach nothing", text, remedy=remedy)

    def _given(self, inputs: object, targets: Tensor) -> Iterator[Finding]:
        """A mask that is one of the channels."""
        if not isinstance(inputs, Tensor) or inputs.ndim != 4 or inputs.shape[1] < 2 or targets.ndim < 3:
            return
        mask = targets[:, 0] if targets.ndim == 4 and targets.shape[1] == 1 else targets
        if mask.shape != (len(inputs), *inputs.shape[2:]) or len(mask.unique()) != 2:
            return
        told = mask == mask.max()
        for number, channel in enumerate(inputs.movedim(1, 0)):
            if len(channel.unique()) == 2 and bool(((channel == channel.max()) == told).all()):
                text = f"Channel {number} of the images is the mask that is asked for, in all {told.numel():,} pixels."
                remedy = "Give the network the image without it; look at how channels are joined and cut apart."
                yield Finding(NAME, "error", "The target is in the input", text, remedy=remedy)
                return
