"""Do the targets of the batch teach anything?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from snellen._errors import SnellenError, UsageError
from snellen.checks.training._base import TrainingCheck
from snellen.findings.finding import Finding
from snellen.training.health.facts import Observation
from snellen.training.health.kept import kept
from snellen.training.health.setup import inputs_and_targets

NAME = "training/targets"
REGRESSIONS = frozenset(["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"])


@dataclass(frozen=True)
class Targets(TrainingCheck):
    """What the targets do to the loss and to its gradient by the outputs, for ``loss(outputs, targets)``.

    The loss of the outputs is computed again with the targets of the batch in another order; the network is not run.

    - The value changes and the gradient does not, bit for bit, neither there nor at made-up outputs of the mean and
      deviation of the targets (where the slope of an absolute error does change): error. The network is told how wrong
      it is and not what would be right: a ``detach`` before the loss function, and a penalty beside it with a gradient.
    - The targets of a regression are one and the same number for ``few`` images or more: warning.

    Nothing is said of a loss that does not look at its targets, or of targets that do not differ.

    What would refute it: outputs for which a constant gradient is right, such as a mean of outputs times fixed signs.
    """

    few: int = 8

    def __call__(self, seen: Observation) -> Sequence[Finding]:
        try:
            targets = inputs_and_targets(seen.setup.batch)[1]
        except UsageError:
            return []
        if not isinstance(targets, Tensor) or not targets.ndim or len(targets) < 2:
            return []
        return [*self._constant(seen, targets), *self._idle(seen, targets)]

    def _constant(self, seen: Observation, targets: Tensor) -> Iterator[Finding]:
        calls = [c for c in seen.losses if c.name in REGRESSIONS and c.target.numel() == targets.numel()]
        flat = targets.flatten()
        if len(calls) != 1 or len(seen.losses) != 1 or len(targets) < self.few or not targets.is_floating_point():
            return
        if bool((flat == flat[0]).all()) and torch.equal(calls[0].target.flatten(), flat):
            text = f"All {len(flat)} targets of {calls[0].name} in this batch are {float(flat[0]):g}: to answer that, "
            text += "whatever the image shows, is right."
            remedy = "Look at how targets are read, rounded and cast."
            yield Finding(NAME, "warning", "Targets that are all the same", text, remedy=remedy)

    def _idle(self, seen: Observation, targets: Tensor) -> Iterator[Finding]:
        if seen.setup.whole or seen.outputs is None or not seen.outputs.is_floating_point():
            return
        other, near = targets.roll(1, 0), _near(seen.outputs, targets)
        if torch.equal(other, targets):
            return
        given, exchanged = (self._gradient(seen, seen.outputs, t) for t in (targets, other))
        if given is None or exchanged is None or given[0] == exchanged[0] or not bool(given[1].any()):
            return
        one, two = (self._gradient(seen, near, t) for t in (targets, other))
        alike = one is not None and two is not None and torch.equal(one[1], two[1])
        if alike and torch.equal(given[1], exchanged[1]):
            text = f"The loss of this batch is {given[0]:.6g}, and {exchanged[0]:.6g} when the images have the targets "
            text += "of their neighbours; its gradient by the outputs is the same, bit for bit. So the targets have "
            text += "no part in what is learnt."
            remedy = "Look for detach, no_grad, .data, argmax or a rounding between the outputs and the loss function."
            yield Finding(NAME, "error", "The targets teach nothing", text, remedy=remedy)

    def _gradient(self, seen: Observation, outputs: Tensor, targets: Tensor) -> tuple[float, Tensor] | None:
        """The loss of the outputs and its gradient by them."""
        setup = seen.setup
        try:
            with kept(setup.modules, setup.optimizers), torch.inference_mode(False), torch.enable_grad():
                torch.manual_seed(seen.seed)
                leaf = outputs.detach().clone().requires_grad_()
                value = _scalar(setup.loss(leaf, targets))
                (slope,) = torch.autograd.grad(value, leaf, allow_unused=True)
        except (ArithmeticError, ValueError, RuntimeError, TypeError, AttributeError, SnellenError):
            return None
        return None if slope is None else (float(value.detach()), slope)


def _near(outputs: Tensor, targets: Tensor) -> Tensor:
    """Outputs that lie among the targets, or of their own deviation where these are classes; always the same."""
    numbers = targets if targets.is_floating_point() else outputs.detach()
    drawn = torch.randn(outputs.shape, generator=torch.Generator().manual_seed(0)).to(outputs)
    return numbers.float().mean().to(outputs) + drawn * numbers.float().std().to(outputs)


def _scalar(value: Any) -> Any:
    if isinstance(value, dict):
        return value["loss"]
    return value[0] if isinstance(value, list | tuple) else value
