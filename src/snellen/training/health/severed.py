"""Does the loss change with parameters that get no gradient? An experiment, where the watched forward raises it."""

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from snellen.training.health.flow import Flow
from snellen.training.health.gradients import Grad
from snellen.training.health.kept import Buffers, Dice
from snellen.training.health.registered import parameters_of
from snellen.training.health.rules import places
from snellen.training.health.setup import TrainingSetup

STEP = 0.02
"""Of the root mean square of a tensor."""
FAR = 10
"""Steps where a rounding stands between: it hides small ones."""
TURNED = -1
"""Every sign turned round: it changes choices (argmax, a comparison) that a small move leaves as they are."""
ROUNDING = 1e-5
"""Of the loss: less is no change."""
MOST = 4
"""Ends of chains that are tried alone."""
OUTSIDE = "outside"


def severed(
    setup: TrainingSetup,
    grads: Mapping[str, tuple[Grad, float, float]],
    flow: Flow,
    *,
    reached: int,
    ran: frozenset[str],
    begun: float,
    dice: Dice,
    buffers: Buffers,
) -> dict[str, str]:
    """Names of parameters that the loss changes with and no gradient reaches, and why: an operation, or ``outside``.

    Asked are parameters that an optimizer holds and whose module ran: without a gradient although, as far as the
    operations were watched, nothing connects them to the loss (NumPy, ``item``, ``torch.tensor``); or with a gradient
    of exactly 0 in all of a module, and what was computed from them was rounded. They are moved together by a random
    2 % of their size, by 20 % where a rounding may hide that, and with every sign turned round; where the loss of the
    same draw changes, it is computed once more without the move, and up to four times with one module at the end of a
    chain moved alone, so that a layer whose output is thrown away is not named with them. Every bit is put back.

    Args:
        setup: inside :func:`snellen.training.health.kept.kept`.
        grads: state, norm and largest entry, by name.
        flow: that watched the forward; ``reached`` is the mask of its loss.
        ran: names of modules.
        begun: the loss.
        dice: the random generators as they were before the forward.
        buffers: likewise.
    """
    named = parameters_of(setup.module)
    number = {name: i for i, name in enumerate(named)}
    asked = _asked(setup, named, grads, flow, reached, ran)
    if not asked or not math.isfinite(begun) or not any(state == "finite" for state, _, _ in grads.values()):
        return {}
    held = [p for o in setup.optimizers for g in o.param_groups for p in g["params"]]
    before = [(p, p.grad) for p in (*held, *named.values())]
    trial = _Trial(setup, begun, dice, buffers)
    try:
        for p, _ in before:
            p.grad = None
        every = [named[n] for n in asked]
        hidden = any(why != OUTSIDE for why in asked.values())
        size = next((s for s in (1, *[FAR] * hidden, TURNED) if trial.moves(every, s)), None)
        if size is None or not trial.repeats():
            return {}
        names = list(named)
        above = {n: {names[i] for i in flow.bits(flow.consumed.get(number[n], 0))} & set(asked) for n in asked}
        linked = _linked(set(asked), above, lambda tried: trial.moves([named[n] for n in tried], size))
        return {n: why for n, why in asked.items() if n in linked}
    finally:
        for p, grad in before:
            p.grad = grad


def _asked(
    setup: TrainingSetup,
    named: Mapping[str, Tensor],
    grads: Mapping[str, tuple[Grad, float, float]],
    flow: Flow,
    reached: int,
    ran: frozenset[str],
) -> dict[str, str]:
    held = places(setup.optimizers)
    owner = {name: name.rpartition(".")[0] for name in named}
    moved = {owner[n] for n, (state, _, _) in grads.items() if state in ("finite", "not finite")}
    found = {}
    for i, (name, p) in enumerate(named.items()):
        if id(p) not in held or not p.requires_grad or owner[name] not in ran or p.is_meta:
            continue
        state = grads[name][0]
        rounded = [operation for operation, mask in flow.rounded.items() if mask >> (i + 1) & 1]
        if state == "none" and not reached >> (i + 1) & 1:
            found[name] = OUTSIDE
        elif state == "zero" and rounded and owner[name] not in moved:
            found[name] = " and ".join(rounded)
    return found


def _linked(asked: set[str], above: Mapping[str, set[str]], moves: Callable[[list[str]], bool]) -> set[str]:
    """Those that the loss changes with: modules at the ends of chains are tried alone, and what feeds them follows."""
    linked: set[str] = set()
    left = set(asked)
    for _ in range(MOST):
        end = _end(left, above)
        if not end:
            break
        if moves(end):
            linked |= {n for name in end for n in (name, *above[name])}
        left -= {*end, *linked}
    return linked | left or asked


def _end(left: set[str], above: Mapping[str, set[str]]) -> list[str]:
    """The names of a module that feeds no other of those left."""
    owner = {name: name.rpartition(".")[0] for name in left}
    feeding = {owner[up] for name in left for up in above[name] & left if owner[up] != owner[name]}
    module = next((m for m in sorted(set(owner.values())) if m not in feeding), None)
    return sorted(name for name in left if owner[name] == module)


class _Trial:
    """The loss of the same draw with some parameters moved."""

    def __init__(self, setup: TrainingSetup, begun: float, dice: Dice, buffers: Buffers) -> None:
        self._setup, self._begun, self._dice, self._buffers = setup, begun, dice, buffers

    def moves(self, parameters: Sequence[Tensor], steps: int = 1) -> bool:
        """Whether the loss is another with these moved by so many steps; they are put back."""
        values = [p.detach().clone() for p in parameters]
        generator = torch.Generator().manual_seed(0)
        try:
            with torch.no_grad():
                for p in parameters:
                    size = float(p.float().square().mean().sqrt()) if p.numel() else 0.0
                    if steps == TURNED:
                        p.neg_()
                        continue
                    p.add_(torch.randn(p.shape, generator=generator).to(p.device, p.dtype), alpha=steps * STEP * size)
            return abs(self._loss() - self._begun) > ROUNDING * abs(self._begun)
        finally:
            with torch.no_grad():
                for p, value in zip(parameters, values, strict=True):
                    p.copy_(value)

    def repeats(self) -> bool:
        """Whether the loss is what it was."""
        return abs(self._loss() - self._begun) <= ROUNDING / 10 * abs(self._begun)

    def _loss(self) -> float:
        self._dice.throw_again()
        self._buffers.put_back()
        try:
            with torch.enable_grad():
                return float(self._setup.value().detach())
        except (ArithmeticError, ValueError, RuntimeError):
            return math.nan
        finally:
            self._buffers.put_back()
