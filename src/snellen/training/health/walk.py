"""Some steps of a training on one batch, at another rate if asked, and undone: what an experiment rests on."""

import math
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from snellen.training.health.facts import Trial
from snellen.training.health.kept import Buffers, Dice, kept
from snellen.training.health.setup import TrainingSetup
from snellen.training.health.trial import step_once, try_step

Halt = Callable[[list[float]], bool]


def walk(
    setup: TrainingSetup,
    steps: int,
    *,
    rate: float = 1.0,
    decay: bool = True,
    seed: int = 0,
    batch: Any = None,
    halt: Halt | None = None,
    change: Callable[[], object] | None = None,
) -> tuple[float, ...]:
    """The loss of the batch before the first step and after each, by the set-up's own optimizers and network.

    Every step is made with the same random numbers (dropout, noise), so that the losses are those of one function. All
    is put back afterwards, bit for bit. It ends early where the loss is not finite or ``halt`` says so.

    Args:
        setup: as observed.
        steps: at most.
        rate: all learning rates are multiplied by it.
        decay: with the set-up's weight decay, or without.
        seed: of what is drawn.
        batch: in place of the set-up's own.
        halt: asked with the losses so far, before each step.
        change: of the weights, before the first step.

    Returns:
        1 to ``steps`` + 1 losses; NaN for one that could not be computed.

    >>> from torch import nn, optim, ones
    >>> net = nn.Linear(1, 1, bias=False)
    >>> made = TrainingSetup(net, (optim.SGD(net.parameters(), lr=0.1),), (ones(1, 1), ones(1, 1)), nn.MSELoss(), False)
    >>> losses = walk(made, 2)
    >>> [round((b / a) ** 0.5, 4) for a, b in zip(losses, losses[1:])]
    [0.8, 0.8]
    """
    now = setup if batch is None else replace(setup, batch=batch)
    losses: list[float] = []
    with kept(setup.modules, setup.optimizers), torch.inference_mode(False), torch.enable_grad():
        _seed(seed)
        dice, buffers = Dice(), Buffers(setup.modules)
        if change is not None:
            with torch.no_grad():
                change()
        for group in (g for optimizer in setup.optimizers for g in optimizer.param_groups):
            group.update({"lr": group["lr"] * rate} if "lr" in group else {})
            group.update({} if decay else _no_decay(group))
        for number in range(steps + 1):
            for optimizer in setup.optimizers:
                optimizer.zero_grad()
            dice.throw_again()
            try:
                value = now.value()
                losses.append(float(value.detach()))
                if number == steps or not math.isfinite(losses[-1]) or (halt is not None and halt(losses)):
                    break
                value.backward()
                for optimizer in setup.optimizers:
                    step_once(optimizer, now, dice, buffers)
            except (ArithmeticError, ValueError, RuntimeError):
                losses.append(math.nan)
                break
    return tuple(losses)


def undecayed(setup: TrainingSetup, *, seed: int = 0) -> Trial:
    """The trial of one step (:func:`snellen.training.health.trial.try_step`) with every weight decay at 0."""
    with kept(setup.modules, setup.optimizers), torch.inference_mode(False), torch.enable_grad():
        _seed(seed)
        dice, buffers = Dice(), Buffers(setup.modules)
        for group in (g for optimizer in setup.optimizers for g in optimizer.param_groups):
            group.update(_no_decay(group))
        try:
            value = setup.value()
            value.backward()
        except (ArithmeticError, ValueError, RuntimeError) as error:
            return Trial((), f"{type(error).__name__}: {error}")
        return try_step(setup, float(value.detach()), dice, buffers)[0]


def _no_decay(group: dict[str, Any]) -> dict[str, float]:
    return {"weight_decay": 0.0} if isinstance(group.get("weight_decay"), float | int) else {}


def _seed(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
