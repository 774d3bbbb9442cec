"""What some tensors of a watched step were computed from, by the names of parameters; and what the step wrote to."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from snellen.training.health.calls import Calls, Losses
from snellen.training.health.facts import Marks
from snellen.training.health.flow import Flow
from snellen.training.health.registered import parameters_of
from snellen.training.health.setup import TrainingSetup, tensors_in


def marks_of(names: Sequence[str], flow: Flow, calls: Calls, losses: Losses) -> Marks:
    """By name, what some tensors of the step were computed from."""

    def read(mask: int) -> frozenset[str]:
        return frozenset(names[i] for i in flow.bits(mask))

    behind = [i for i, mask in flow.consumed.items() if flow.drawn_bit and mask & flow.drawn_bit]
    return Marks(
        returned=read(calls.returned_mask) if calls.given else None,
        drawn=read(flow.drawn),
        drawn_into=frozenset(names[i] for i in behind),
        chosen=read(flow.chosen),
        aims=tuple((read(source), read(aim)) for source, aim in (c.masks for c in losses.found)),
    )


def rewritten(before: Any, after: Any) -> Iterator[Tensor]:
    """Tensors of the batch that the step wrote to."""
    for old, new in zip(tensors_in(before), tensors_in(after), strict=True):
        if new is not old and new._version > 0 and not torch.equal(old.nan_to_num(), new.detach().nan_to_num()):
            yield old


def unheld_of(setup: TrainingSetup) -> tuple[str, ...]:
    """Parameters of the loss's own modules, no layers of PyTorch, that got a gradient and are in no optimizer."""
    held = {id(p) for o in setup.optimizers for g in o.param_groups for p in g["params"]}
    held |= {id(p) for p in parameters_of(setup.module).values()}
    return tuple(
        f"{type(owner).__name__}.{name}"
        for module in setup.modules[1:]
        for owner in module.modules()
        if not type(owner).__module__.startswith("torch.")
        for name, p in owner.named_parameters(recurse=False)
        if id(p) not in held and p.grad is not None and bool(p.grad.any())
    )
