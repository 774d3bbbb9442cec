"""Optimizers as they hold the parameters of a network: where each is stepped from, what is not the network's, decay."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from snellen.training.health.facts import Rule
from snellen.training.health.kept import HOOKS
from snellen.training.health.registered import parameters_of
from snellen.training.health.setup import TrainingSetup

Places = tuple[tuple[int, int, float], ...]
"""(optimizer, group, learning rate) of each place that a parameter is stepped from."""


def places(optimizers: Sequence[Optimizer]) -> dict[int, tuple[Places, bool]]:
    """Where each parameter, by id, is stepped from, and whether a schedule moves its learning rate."""
    found: dict[int, tuple[Places, bool]] = {}
    for o, optimizer in enumerate(optimizers):
        for g, group in enumerate(optimizer.param_groups):
            for parameter in group["params"]:
                known, moves = found.get(id(parameter), ((), False))
                found[id(parameter)] = (*known, (o, g, _rate(group))), moves or _moves(optimizer, group)
    return found


def strangers(setup: TrainingSetup) -> list[tuple[Tensor, int]]:
    """Tensors that an optimizer, by its number, holds and the network does not."""
    own = {id(p) for p in parameters_of(setup.module).values()}
    return [
        (p, number)
        for number, optimizer in enumerate(setup.optimizers)
        for group in optimizer.param_groups
        for p in group["params"]
        if id(p) not in own
    ]


def rules(setup: TrainingSetup) -> tuple[Rule, ...]:
    """What each optimizer is and how much of it is this network's."""
    own = {id(p) for p in parameters_of(setup.module).values()}
    found = []
    for optimizer in setup.optimizers:
        held = [id(p) for g in optimizer.param_groups for p in g["params"]]
        settings = {k: v for k, v in optimizer.defaults.items() if isinstance(v, int | float | str | bool)}
        betas = optimizer.defaults.get("betas", ())
        settings |= {f"beta{n}": float(b) for n, b in enumerate(betas, 1) if isinstance(b, int | float)}
        found.append(
            Rule(
                name=type(optimizer).__name__,
                settings=settings,
                rates=tuple(_rate(g) for g in optimizer.param_groups),
                stepped=any(len(s) > 0 for s in optimizer.state.values()),
                scheduled=any("initial_lr" in g for g in optimizer.param_groups),
                own=len(set(held) & own),
                duplicates=len(held) - len(set(held)),
                shrinks=max((_shrinks(optimizer, g) for g in optimizer.param_groups), default=0.0),
                climbs=all(g.get("maximize", False) is True for g in optimizer.param_groups),
                hooked=any(bool(optimizer.__dict__.get(name)) for name in HOOKS),
            )
        )
    return tuple(found)


def pulls(optimizers: Sequence[Optimizer]) -> dict[int, float]:
    """The weight decay that is a part of the gradient, by parameter."""
    return {
        id(p): float(group["weight_decay"])
        for optimizer in optimizers
        for group in optimizer.param_groups
        for p in group["params"]
        if isinstance(group.get("weight_decay"), int | float) and not _decoupled(optimizer, group)
    }


def _moves(optimizer: Optimizer, group: dict[str, Any]) -> bool:
    """A schedule has the group, or its rate is not the one the optimizer was made with: it will not stay 0."""
    return "initial_lr" in group or (
        _rate(group) == 0 and _rate(optimizer.defaults) != 0 and len(optimizer.param_groups) == 1
    )


def _rate(group: dict[str, Any]) -> float:
    rate = group.get("lr")
    return float(rate) if isinstance(rate, int | float | Tensor) else math.nan


def _decoupled(optimizer: Optimizer, group: dict[str, Any]) -> bool:
    return bool(group.get("decoupled_weight_decay")) or type(optimizer).__name__ in (
        "AdamW",
        "Lion",
        "Muon",
        "Adafactor",
    )


def _shrinks(optimizer: Optimizer, group: dict[str, Any]) -> float:
    """The share of a weight that decay takes a step; 0 where steps are adapted to its size."""
    decay, rate = group.get("weight_decay"), _rate(group)
    if not isinstance(decay, int | float) or not decay or math.isnan(rate):
        return 0.0
    if isinstance(optimizer, torch.optim.SGD):
        momentum = group.get("momentum", 0.0)
        return float(rate * decay / (1 - min(float(momentum), 0.999)))
    return float(rate * decay) if _decoupled(optimizer, group) else 0.0
