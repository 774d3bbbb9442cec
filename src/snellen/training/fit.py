"""The loop: AdamW under one cycle of the learning rate, averaged weights, and a run that survives being killed."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from snellen._errors import SnellenError, UsageError
from snellen.instruments._precision import fast_bfloat16
from snellen.training.checkpoint import optimizer_tensors, read_checkpoint, restore_optimizer, write_checkpoint
from snellen.training.small_maps import SmallMaps

LossOf = Callable[[int], Tensor]
"""The number of a step -> its loss. All that is random in it comes from :func:`generator_of` and torch's global
generator, which is seeded afresh for every step."""
Progress = Callable[[str, int, int], None]
CHEAP, SPARING = 0.5, 20
"""A checkpoint that took more than so many seconds to write is written again after this many times as long."""
RAMP = 0.1
"""The learning rate starts and ends at this part and this part squared of its peak."""


class DivergedError(SnellenError):
    """The loss became NaN or infinite; a smaller learning rate is the first thing to try."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast.

    Args:
        steps: of the optimizer.
        learning_rate: the peak of the cycle.
        weight_decay: of AdamW.
        warm_up: part of the steps in which the learning rate rises.
        average: decay of the averaged weights, a step; the averaged weights are the result. 0 takes the last.
    """

    steps: int
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    warm_up: float = 0.15
    average: float = 0.999

    def __post_init__(self) -> None:
        if (
            self.steps < 1
            or not 0 < self.learning_rate < math.inf
            or not 0 <= self.average < 1
            or not 0 < self.warm_up < 1
        ):
            raise UsageError(
                "a schedule needs steps >= 1, learning_rate > 0, 0 <= average < 1 and 0 < warm_up < 1, got "
                f"steps={self.steps}, learning_rate={self.learning_rate}, average={self.average}, "
                f"warm_up={self.warm_up}"
            )

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0: up and down along a cosine (Smith & Topin 2018).

        >>> schedule = Schedule(100, learning_rate=1.0)
        >>> [round(schedule.rate(step), 3) for step in (0, 14, 99)]
        [0.1, 1.0, 0.01]
        """
        up = max(round(self.warm_up * self.steps) - 1, 1)
        if step <= up:
            low, part = RAMP, step / up
        else:
            low, part = RAMP**2, (self.steps - 1 - step) / max(self.steps - 1 - up, 1)
        return self.learning_rate * (low + (1 - low) * (1 - math.cos(math.pi * part)) / 2)


@dataclass(frozen=True)
class Fitted:
    """What a training leaves: mean losses of equal stretches, seconds spent, and where it went on from a checkpoint."""

    losses: tuple[float, ...]
    seconds: float
    resumed_at: int

    def story(self, recipe: str, command: Mapping[str, Any], images: int) -> dict[str, Any]:
        """What a file of weights says of how they came to be."""
        return {
            "recipe": recipe,
            "command": dict(command),
            "images": images,
            "losses": [round(loss, 6) for loss in self.losses],
            "seconds": round(self.seconds, 1),
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
        }


def fit(
    module: nn.Module,
    loss_of: LossOf,
    schedule: Schedule,
    *,
    seed: int,
    checkpoint: Path | None = None,
    command: Mapping[str, Any] | None = None,
    checkpoint_every: int = 50,
    progress: Progress = lambda _stage, _done, _total: None,
) -> Fitted:
    """Train a module; at the end it holds the averaged weights and is in evaluation mode.

    Killed at any moment and called again with the same arguments, it goes on from the last checkpoint and ends
    with the weights of an uninterrupted run, bit for bit on the same machine with the same number of threads.
    Forward passes run in bfloat16 where the hardware is fast at it. torch's generators are left as they were.

    Args:
        module: changed in place.
        loss_of: the number of a step -> its loss, computed from the module's output.
        schedule: steps and rates.
        seed: of everything random.
        checkpoint: where the file of the checkpoint lies while the training runs; none is kept if not given.
        command: settings and data, as JSON can hold them: a checkpoint of another command is refused.
        checkpoint_every: steps between two checkpoints.
        progress: called with a stage, steps done and steps in all.

    Raises:
        DivergedError: a loss that is not finite.
        UsageError: a checkpoint of another command.
    """
    device = next(module.parameters()).device
    rate, decay = schedule.learning_rate, schedule.weight_decay
    optimizer = torch.optim.AdamW(module.parameters(), lr=rate, weight_decay=decay, fused=True)
    averaged = {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}
    stretch = max(schedule.steps // 100, 1)
    losses: list[float] = []
    total, first, began, before = 0.0, 0, time.perf_counter(), 0.0
    written, cost = began, 0.0
    kept = None if checkpoint is None else read_checkpoint(checkpoint, command=command or {})
    if kept is not None:
        tensors, first, notes = kept
        module.load_state_dict(_under(tensors, "module."))
        for name, tensor in _under(tensors, "averaged.").items():
            averaged[name].copy_(tensor)
        restore_optimizer(optimizer, tensors)
        losses, total, before = list(notes["losses"]), float(notes["total"]), float(notes["seconds"])
    module.train()
    with torch.random.fork_rng(devices=[] if device.type == "cpu" else [device]):
        for step in range(first, schedule.steps):
            torch.manual_seed(seed_of(seed, step))
            for group in optimizer.param_groups:
                group["lr"] = schedule.rate(step)
            with torch.autocast(device.type, torch.bfloat16, enabled=fast_bfloat16(device)), SmallMaps():
                loss = loss_of(step)
            value = loss.item()
            if not math.isfinite(value):
                raise DivergedError(
                    f"the loss became {value} at step {step} of {schedule.steps}; try a learning rate below "
                    f"{schedule.learning_rate:g}"
                )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            _average(averaged, module, min(schedule.average, (step + 1) / (step + 10)))
            total += value
            if (step + 1) % stretch == 0:
                losses.append(total / stretch)
                total = 0.0
            due = (step + 1) % checkpoint_every == 0 and step + 1 < schedule.steps
            if checkpoint is not None and due and time.perf_counter() - written >= SPARING * cost:
                tensors = {f"module.{k}": v for k, v in module.state_dict().items()}
                tensors |= {f"averaged.{k}": v for k, v in averaged.items()}
                written = time.perf_counter()
                write_checkpoint(
                    checkpoint,
                    tensors | optimizer_tensors(optimizer),
                    step=step + 1,
                    command=command or {},
                    notes={"losses": losses, "total": total, "seconds": before + written - began},
                )
                cost = time.perf_counter() - written
                cost = cost if cost > CHEAP else 0.0
            progress("training", step + 1, schedule.steps)
    if schedule.average:
        module.load_state_dict(averaged)
    module.eval()
    return Fitted(tuple(losses), before + time.perf_counter() - began, first)


def seed_of(seed: int, step: int) -> int:
    """One seed a step, and no step of one seed has that of another.

    Raises:
        UsageError: a seed below 0 or of more than 40 bits.
    """
    if not 0 <= seed < 2**40:
        raise UsageError(f"a seed must be from 0 to {2**40 - 1}, got {seed}")
    return seed * 1_000_003 + step


def generator_of(seed: int, step: int) -> torch.Generator:
    """A generator for what a step draws by itself: its batch, its augmentation."""
    return torch.Generator().manual_seed(seed_of(seed, step))


def rows_of(step: int, *, batch: int, count: int, seed: int) -> Tensor:
    """The rows of a step: every epoch goes through all in an order of its own and leaves out the last few.

    >>> rows_of(0, batch=2, count=5, seed=0).shape
    torch.Size([2])
    """
    per_epoch = max(count // batch, 1)
    epoch, place = divmod(step, per_epoch)
    order = torch.randperm(count, generator=generator_of(seed ^ 0x5EED, epoch))
    return order[place * batch : (place + 1) * batch]


def _average(averaged: dict[str, Tensor], module: nn.Module, decay: float) -> None:
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if tensor.is_floating_point():
                averaged[name].lerp_(tensor, 1 - decay)
            else:
                averaged[name].copy_(tensor)


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
