"""The optimizers' own step on a batch, and the loss of that batch along it."""

import inspect
import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.optim import Optimizer

from snellen.training.health.facts import Trial
from snellen.training.health.kept import Buffers, Dice
from snellen.training.health.setup import TrainingSetup

FARTHER = 256.0
FAR = 10.0  # what a momentum of 0.9 makes of a step
NEARER = (0.5, 0.25, 0.125)
ROUNDING = 1e-6  # of the loss: less is no rise


def try_step(setup: TrainingSetup, begun: float, dice: Dice, buffers: Buffers) -> tuple[Trial, dict[int, bool]]:
    """Step, and see what changed and where the loss goes. To be called with the gradients in place.

    The loss is computed again with the same dropout and the same buffers at 1 times the actual update; if it rose, at
    1/2, 1/4 and 1/8 of it, until it is below where it began; if it fell, at 256 times, and at 10 times if it rose
    there.

    Args:
        setup: inside :func:`snellen.training.health.kept.kept`, which puts the parameters back.
        begun: the loss before.
        dice: the random generators as they were before the forward.
        buffers: likewise.

    Returns:
        The trial, and for every parameter of an optimizer, by id, whether a bit of it changed.
    """
    held = {id(p): p for o in setup.optimizers for g in o.param_groups for p in g["params"]}
    if not any(p.grad is not None for p in held.values()):
        return Trial((), "no gradient reached an optimizer"), {}
    start = {key: p.detach().clone() for key, p in held.items()}
    try:
        for optimizer in setup.optimizers:
            step_once(optimizer, setup, dice, buffers)
    except Exception as error:
        return Trial((), f"{type(error).__name__}: {error}"), {}
    changed = {key: not torch.equal(start[key], p.detach()) for key, p in held.items()}
    if not any(changed.values()):
        return Trial(((0.0, begun),)), changed
    travelled = math.sqrt(sum(float((held[k].detach() - start[k]).float().square().sum()) for k in held if changed[k]))
    line = _Line(setup, dice, buffers, [(held[k], start[k]) for k in held if changed[k]])
    stride = _stride(line.moved)
    losses = [(0.0, begun), (1.0, line.loss(1.0))]
    if not losses[1][1] <= begun + ROUNDING * abs(begun):
        for multiple in NEARER:
            losses.append((multiple, line.loss(multiple)))
            if losses[-1][1] <= begun:
                break
    else:
        losses.append((FARTHER, line.loss(FARTHER)))
        if not losses[-1][1] <= begun:
            losses.append((FAR, line.loss(FAR)))
    return Trial(tuple(sorted(losses)), travelled=travelled, stride=stride), changed


def _stride(moved: list[tuple[Tensor, Tensor]]) -> float:
    """The median over the weights of |step| / |weight|, before anything else moves them; 0 if there are none."""
    weights = [(p.detach(), start) for p, start in moved if start.ndim > 1 and float(start.float().norm()) > 0]
    ratios = sorted(float((p - start).float().norm() / start.float().norm()) for p, start in weights)
    return ratios[len(ratios) // 2] if ratios else 0.0


class _Line:
    """The loss at multiples of an update, on the parameters themselves."""

    def __init__(self, setup: TrainingSetup, dice: Dice, buffers: Buffers, moved: list[tuple[Tensor, Tensor]]) -> None:
        self._setup, self._dice, self._buffers, self.moved = setup, dice, buffers, moved
        self._now = 1.0

    def loss(self, multiple: float) -> float:
        """NaN where it cannot be computed."""
        with torch.no_grad():
            for parameter, start in self.moved:
                if multiple != self._now:
                    parameter.sub_(start).mul_(multiple / self._now).add_(start)
        self._now = multiple
        self._dice.throw_again()
        self._buffers.put_back()
        with torch.enable_grad():
            try:
                return float(self._setup.value().detach())
            except (ArithmeticError, ValueError, RuntimeError):
                return float("nan")


def step_once(optimizer: Optimizer, setup: TrainingSetup, dice: Dice, buffers: Buffers) -> None:
    closure = inspect.signature(optimizer.step).parameters.get("closure")
    if closure is None:
        optimizer.step()
        return
    if closure.default is not inspect.Parameter.empty:
        try:
            optimizer.step()
            return
        except Exception:  # some ask for a closure that their signature calls optional
            if type(optimizer).__module__.startswith("torch.optim"):
                raise
    for group in optimizer.param_groups:
        group.update({k: 1 for k in ("max_iter", "max_eval") if k in group})
    step: Callable[..., object] = optimizer.step
    step(_closure(setup, dice, buffers))


def _closure(setup: TrainingSetup, dice: Dice, buffers: Buffers) -> Callable[[], Tensor]:
    def again() -> Tensor:
        dice.throw_again()
        buffers.put_back()
        for optimizer in setup.optimizers:
            optimizer.zero_grad()
        with torch.enable_grad():
            loss = setup.value()
            loss.backward()
        return loss

    return again
