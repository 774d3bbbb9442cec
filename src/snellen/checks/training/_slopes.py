"""The loss of made-up outputs and its gradient by them: what checks of targets ask.

The network is not run, so its parameters need no copy; its buffers and the modules that the loss holds are kept.
"""

from typing import Any

import torch
from torch import Tensor

from snellen._errors import SnellenError, UsageError
from snellen.training.health.facts import Observation
from snellen.training.health.kept import kept, modules_kept
from snellen.training.health.setup import inputs_and_targets


def targets_of(seen: Observation) -> Tensor | None:
    """The targets of a batch of two or more, if they are one tensor and ``loss(outputs, targets)`` is the loss."""
    if seen.setup.whole or seen.outputs is None or not seen.outputs.is_floating_point():
        return None
    try:
        targets = inputs_and_targets(seen.setup.batch)[1]
    except UsageError:
        return None
    return targets if isinstance(targets, Tensor) and targets.ndim and len(targets) > 1 else None


def slope(seen: Observation, outputs: Tensor, targets: Tensor) -> tuple[float, Tensor] | None:
    """The loss and its gradient by the outputs; None if there is none, or it cannot be computed."""
    setup = seen.setup
    try:
        with modules_kept(setup.modules), kept(setup.modules[1:], ()), torch.inference_mode(False), torch.enable_grad():
            torch.manual_seed(seen.seed)
            leaf = outputs.detach().clone().requires_grad_()
            value = _scalar(setup.loss(leaf, targets.clone()))
            (found,) = torch.autograd.grad(value, leaf, allow_unused=True)
    except (ArithmeticError, ValueError, RuntimeError, TypeError, AttributeError, SnellenError):
        return None
    return None if found is None else (float(value.detach()), found)


def cost(seen: Observation, outputs: Tensor, targets: Tensor) -> float:
    """The loss of the outputs; NaN if it cannot be computed."""
    setup = seen.setup
    try:
        with modules_kept(setup.modules), kept(setup.modules[1:], ()), torch.inference_mode(False), torch.no_grad():
            torch.manual_seed(seen.seed)
            return float(_scalar(setup.loss(outputs, targets.clone())))
    except (ArithmeticError, ValueError, RuntimeError, TypeError, AttributeError, SnellenError):
        return float("nan")


def near(outputs: Tensor, targets: Tensor) -> Tensor:
    """Outputs that lie among the targets, or of their own deviation where these are classes; always the same."""
    numbers = targets if targets.is_floating_point() else outputs.detach()
    drawn = torch.randn(outputs.shape, generator=torch.Generator().manual_seed(0)).to(outputs)
    return numbers.float().mean().to(outputs) + drawn * numbers.float().std().clamp_min(1e-3).to(outputs)


def _scalar(value: Any) -> Any:
    if isinstance(value, dict):
        return value["loss"]
    return value[0] if isinstance(value, list | tuple) else value
