"""The loop: an optimizer under one cycle of the learning rate, averaged weights, a run that survives being killed."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from snellen._errors import SnellenError, UsageError
from snellen.instruments._precision import fast_bfloat16
from snellen.training.checkpoint import optimizer_tensors, read_checkpoint, restore_optimizer, write_checkpoint
from snellen.training.interrupt import patient
from snellen.training.ranks import ALONE, Ranks
from snellen.training.schedule import Schedule
from snellen.training.small_maps import SmallMaps
from snellen.training.watch import Row, Watch, wearing

LossOf = Callable[[int], Tensor]
"""The number of a step -> its loss. All that is random in it comes from :func:`generator_of` and torch's global
generator, which is seeded afresh for every step."""
Progress = Callable[[str, int, int], None]
Guard = Callable[[int, float], None]
"""Given the number of a step and its loss before it is made; raises to end the training."""
CHEAP, SPARING = 0.5, 20
"""A checkpoint that took more than so many seconds to write is written again after this many times as long."""


class DivergedError(SnellenError):
    """The loss became NaN or infinite, or grew and grew; a smaller learning rate is the first thing to try."""


@dataclass(frozen=True)
class Fitted:
    """What a training leaves: mean losses of equal stretches, seconds spent, and where it went on from a checkpoint.

    Attributes:
        rows: what was seen at each look.
        best: the index of the best look, -1 without any.
        steps: that were made, in all.
    """

    losses: tuple[float, ...]
    seconds: float
    resumed_at: int
    _: KW_ONLY
    rows: tuple[Row, ...] = ()
    best: int = -1
    steps: int = 0

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
    watch: Watch | None = None,
    guard: Guard = lambda _step, _loss: None,
    ranks: Ranks = ALONE,
    progress: Progress = lambda _stage, _done, _total: None,
) -> Fitted:
    """Train a module; at the end it holds the averaged weights and is in evaluation mode.

    Killed at any moment and called again with the same arguments, it goes on from the last checkpoint and ends
    with the weights of an uninterrupted run, bit for bit on the same machine with the same number of threads.
    Ctrl-C waits for the end of a step and leaves a checkpoint of that. Forward passes run in bfloat16 where the
    hardware is fast at it. torch's generators are left as they were.

    Args:
        module: changed in place.
        loss_of: the number of a step -> its loss, computed from the module's output.
        schedule: steps and rates.
        seed: of everything random.
        checkpoint: where the file of the checkpoint lies while the training runs; none is kept if not given.
        command: settings and data, as JSON can hold them: a checkpoint of another command is refused.
        checkpoint_every: steps between two checkpoints.
        watch: what is looked at while it runs, and whether that may end it early.
        guard: given every step and its loss; raises what ends a training that has gone wrong.
        ranks: this process among those that train together; ``loss_of`` gives it the loss of its share.
        progress: called with a stage, steps done and steps in all.

    Raises:
        DivergedError: a loss that is not finite.
        UsageError: a checkpoint of another command.
        InputError: a checkpoint that cannot be written; the one before is still there.
    """
    device = next(module.parameters()).device
    state = _State(module, schedule.optimizer_of(module), {} if watch is None else watch.kept)
    first = 0 if checkpoint is None else state.restore(checkpoint, command or {})
    fast = fast_bfloat16(device)
    began = written = time.perf_counter()
    spent, cost, step = state.seconds, 0.0, first
    stretch = watch.every if watch is not None else max(schedule.steps // 100, 1)
    if watch is not None and first:
        watch.told(state.rows)
    module.train()
    with torch.random.fork_rng(devices=[] if device.type == "cpu" else [device]), patient() as interrupted:
        while step < schedule.steps and not (watch is not None and watch.over(state.rows)):
            torch.manual_seed(seed_of(seed, step) + ranks.rank * 2**60)  # each process drops units of its own
            for group in state.optimizer.param_groups:
                group["lr"] = schedule.rate(step)
            with torch.autocast(device.type, torch.bfloat16, enabled=fast), SmallMaps(), ranks.together():
                loss = loss_of(step)
            value = ranks.mean(loss.item())
            if not math.isfinite(value):
                raise DivergedError(
                    f"the loss became {value} at step {step} of {schedule.steps}; try a learning rate below "
                    f"{schedule.learning_rate:g}"
                )
            guard(step, value)
            state.optimizer.zero_grad()
            loss.backward()
            ranks.average(module)
            state.optimizer.step()
            _average(state.averaged, module, min(schedule.average, (step + 1) / (step + 10)))
            step += 1
            state.total += value
            if step % stretch == 0:
                state.losses.append(state.total / stretch)
                state.total = 0.0
                if watch is not None:
                    state.look(watch, step, schedule.rate(step - 1), spent + time.perf_counter() - began)
            now = time.perf_counter()
            due = step % checkpoint_every == 0 and step < schedule.steps and now - written >= SPARING * cost
            stop = ranks.mean(interrupted()) > 0
            if checkpoint is not None and ranks.first and (due or stop):
                state.seconds = spent + now - began
                state.keep(checkpoint, step, command or {})
                written = time.perf_counter()
                cost = written - now if written - now > CHEAP else 0.0
            if stop:
                raise KeyboardInterrupt
            progress("training", step, schedule.steps)
    if watch is not None and watch.patience and state.best:
        module.load_state_dict(state.best)
    elif schedule.average:
        module.load_state_dict(state.averaged)
    module.eval()
    return Fitted(
        tuple(state.losses),
        spent + time.perf_counter() - began,
        first,
        rows=tuple(state.rows),
        best=-1 if watch is None else watch.best(state.rows),
        steps=step,
    )


class _State:
    """All that the rest of a training depends on, beside the number of the step."""

    def __init__(self, module: nn.Module, optimizer: torch.optim.Optimizer, kept: dict[str, Tensor]) -> None:
        self.module, self.optimizer, self.kept = module, optimizer, kept
        self.averaged = {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}
        self.best: dict[str, Tensor] = {}
        self.losses: list[float] = []
        self.rows: list[Row] = []
        self.total = self.seconds = 0.0

    def look(self, watch: Watch, step: int, rate: float, seconds: float) -> None:
        with wearing(self.module, self.averaged):
            seen = watch.look()
        self.rows.append(
            {
                "epoch": len(self.rows) + 1,
                "step": step,
                **seen,
                "step_loss": self.losses[-1],
                "learning_rate": rate,
                "seconds": round(seconds, 3),
            }
        )
        if watch.patience and watch.best(self.rows) == len(self.rows) - 1:
            self.best = {name: tensor.clone() for name, tensor in self.averaged.items()}
        watch.told(self.rows)

    def keep(self, path: Path, step: int, command: Mapping[str, Any]) -> None:
        tensors = {f"module.{k}": v for k, v in self.module.state_dict().items()}
        tensors |= {f"averaged.{k}": v for k, v in self.averaged.items()}
        tensors |= {f"best.{k}": v for k, v in self.best.items()} | {f"kept.{k}": v for k, v in self.kept.items()}
        notes = {"losses": self.losses, "total": self.total, "seconds": self.seconds, "rows": self.rows}
        write_checkpoint(path, tensors | optimizer_tensors(self.optimizer), step=step, command=command, notes=notes)

    def restore(self, path: Path, command: Mapping[str, Any]) -> int:
        """The number of steps that are done."""
        kept = read_checkpoint(path, command=command)
        if kept is None:
            return 0
        tensors, step, notes = kept
        self.module.load_state_dict(_under(tensors, "module."))
        for name, tensor in _under(tensors, "averaged.").items():
            self.averaged[name].copy_(tensor)
        self.best = _under(tensors, "best.")
        self.kept.update(_under(tensors, "kept."))
        restore_optimizer(self.optimizer, tensors)
        self.losses, self.rows = list(notes["losses"]), list(notes["rows"])
        self.total, self.seconds = float(notes["total"]), float(notes["seconds"])
        return step


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
