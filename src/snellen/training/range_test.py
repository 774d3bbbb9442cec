"""Which learning rate? The loss while the rate grows step by step, on a copy of the network."""

import copy
import math
from collections.abc import Callable
from dataclasses import KW_ONLY, asdict, dataclass
from typing import Any

import torch
from torch import nn

from snellen._errors import UsageError
from snellen.instruments._precision import fast_bfloat16
from snellen.training.fit import LossOf, Progress, seed_of
from snellen.training.schedule import Schedule
from snellen.training.small_maps import SmallMaps

STEPS = 100
LOW, HIGH = 1e-5, {"adamw": 1.0, "sgd": 10.0}
"""The rates that are gone through, from and to."""
SMOOTH = 0.9
"""The weight of the past in the smoothed loss."""
BLOWN = 1.5
"""A smoothed loss above so many times what it began with ends the test."""
SHARE = 0.5
"""The peak that is taken, as a part of the rate at which the smoothed loss was lowest: the loss lags behind."""


@dataclass(frozen=True)
class RangeTest:
    """What was seen.

    Attributes:
        rates: of each step.
        losses: smoothed, at each step.
        lowest: the rate at which the smoothed loss was lowest.
        chosen: the peak to train with.
        blown: whether it ended because the loss blew up; if not, the largest rates were still harmless.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    _: KW_ONLY
    lowest: float
    chosen: float
    blown: bool

    @property
    def plain(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)


def range_test(
    module: nn.Module,
    losses: Callable[[nn.Module], LossOf],
    schedule: Schedule,
    *,
    seed: int,
    steps: int = STEPS,
    progress: Progress = lambda _stage, _done, _total: None,
) -> RangeTest:
    """Train a copy for a few steps at rates that grow by a constant factor, and read off a peak.

    The peak is half of the rate at which the smoothed loss was lowest; past that rate the steps undo what was
    learned. The module and torch's generators are left as they were, and the same arguments give the same answer.

    Args:
        module: in training mode as it will be trained.
        losses: a module -> the loss of each step.
        schedule: whose optimizer and weight decay; not its rates.
        seed: of everything random.
        steps: at most, at least 10.
        progress: called with a stage, steps done and steps in all.

    Raises:
        UsageError: fewer than 10 steps, or a loss that is not finite from the start.

    Reference: Smith 2017, Cyclical learning rates for training neural networks, arXiv 1506.01186.

    >>> torch.manual_seed(0)
    <torch._C.Generator object at ...>
    >>> inputs, net = torch.randn(64, 4), nn.Linear(4, 1)
    >>> found = range_test(net, lambda net: lambda step: (net(inputs) - 1).square().mean(), Schedule(9), seed=0)
    >>> 1e-3 < found.chosen < 1
    True
    """
    if steps < 10:
        raise UsageError(f"a range test needs at least 10 steps, got {steps}")
    twin = copy.deepcopy(module).train()
    loss_of, optimizer = losses(twin), schedule.optimizer_of(twin)
    device = next(twin.parameters()).device
    high = HIGH[schedule.optimizer]
    rates: list[float] = []
    smoothed: list[float] = []
    average, blown = 0.0, False
    with torch.random.fork_rng(devices=[] if device.type == "cpu" else [device]):
        for step in range(steps):
            torch.manual_seed(seed_of(seed, step))
            rate = LOW * (high / LOW) ** (step / (steps - 1))
            for group in optimizer.param_groups:
                group["lr"] = rate
            with torch.autocast(device.type, torch.bfloat16, enabled=fast_bfloat16(device)), SmallMaps():
                loss = loss_of(step)
            value = loss.item()
            average = SMOOTH * average + (1 - SMOOTH) * value
            now = average / (1 - SMOOTH ** (step + 1))
            if not math.isfinite(now) or (smoothed and now > BLOWN * smoothed[0]):
                blown = True
                break
            rates.append(rate)
            smoothed.append(now)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            progress("learning rate", step + 1, steps)
    if not rates:
        raise UsageError("the loss is not finite before any step: no learning rate will do; look at the data")
    lowest = rates[min(range(len(rates)), key=smoothed.__getitem__)]
    chosen = float(f"{SHARE * lowest:.2g}")
    return RangeTest(tuple(rates), tuple(smoothed), lowest=lowest, chosen=chosen, blown=blown)
