"""How long and how fast: one cycle of the learning rate, and the optimizer that follows it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import nn

from snellen._errors import UsageError, unknown

RAMP = 0.1
"""The learning rate starts and ends at this part and this part squared of its peak."""
OPTIMIZERS: Mapping[str, type[torch.optim.Optimizer]] = MappingProxyType(
    {"adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}
)
MOMENTUM = 0.9
"""Of SGD, with Nesterov's correction."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast.

    Args:
        steps: of the optimizer.
        learning_rate: the peak of the cycle.
        weight_decay: of the optimizer; AdamW's is decoupled, SGD's is added to the gradient.
        warm_up: part of the steps in which the learning rate rises.
        average: decay of the averaged weights, a step; the averaged weights are the result. 0 takes the last.
        optimizer: ``adamw``, or ``sgd`` with Nesterov momentum 0.9.
        decay_all: norms and biases decay too.
        cycle: False keeps the learning rate where it is, from the first step to the last.

    Raises:
        UsageError: a number out of range, an unknown optimizer.
    """

    steps: int
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    warm_up: float = 0.15
    average: float = 0.999
    optimizer: str = "adamw"
    decay_all: bool = True
    cycle: bool = True

    def __post_init__(self) -> None:
        if (
            self.steps < 1
            or not 0 < self.learning_rate < math.inf
            or not 0 <= self.weight_decay < math.inf
            or not 0 <= self.average < 1
            or not 0 < self.warm_up < 1
        ):
            raise UsageError(
                "a schedule needs steps >= 1, learning_rate > 0, weight_decay >= 0, 0 <= average < 1 and "
                f"0 < warm_up < 1, got steps={self.steps}, learning_rate={self.learning_rate}, "
                f"weight_decay={self.weight_decay}, average={self.average}, warm_up={self.warm_up}"
            )
        if self.optimizer not in OPTIMIZERS:
            raise unknown("optimizer", self.optimizer, OPTIMIZERS)

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0: up and down along a cosine (Smith & Topin 2018).

        >>> schedule = Schedule(100, learning_rate=1.0)
        >>> [round(schedule.rate(step), 3) for step in (0, 14, 99)]
        [0.1, 1.0, 0.01]
        """
        if not self.cycle:
            return self.learning_rate
        up = max(round(self.warm_up * self.steps) - 1, 1)
        if step <= up:
            low, part = RAMP, step / up
        else:
            low, part = RAMP**2, (self.steps - 1 - step) / max(self.steps - 1 - up, 1)
        return self.learning_rate * (low + (1 - low) * (1 - math.cos(math.pi * part)) / 2)

    def optimizer_of(self, module: nn.Module) -> torch.optim.Optimizer:
        """The optimizer of all parameters that are to be trained, at the rate of the first step.

        >>> [len(group["params"]) for group in Schedule(9, decay_all=False).optimizer_of(nn.Linear(3, 2)).param_groups]
        [1, 1]
        """
        trained = [p for p in module.parameters() if p.requires_grad]
        groups: list[dict[str, Any]] = [{"params": trained, "weight_decay": self.weight_decay}]
        if not self.decay_all:
            thick, thin = [p for p in trained if p.ndim > 1], [p for p in trained if p.ndim <= 1]
            groups = [{"params": thick, "weight_decay": self.weight_decay}, {"params": thin, "weight_decay": 0.0}]
        more: dict[str, Any] = {"momentum": MOMENTUM, "nesterov": True} if self.optimizer == "sgd" else {}
        return OPTIMIZERS[self.optimizer](groups, lr=self.rate(0), fused=True, **more)  # type: ignore[call-arg]
