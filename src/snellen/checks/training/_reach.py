"""What a regression is given: shapes that fit, and targets where the last activation can be."""

import math

import torch

from snellen.findings.finding import Finding
from snellen.training.health.calls import LossCall
from snellen.training.health.operations import RELU

NAME = "training/loss_input"


def squared(call: LossCall) -> Finding | None:
    """Every output against every target, or targets where no output can be; None if neither is so."""
    if call.input.shape == call.target.shape or 1 in (call.input.numel(), call.target.numel()):
        return _out_of_reach(call)
    whole = torch.broadcast_shapes(call.input.shape, call.target.shape)
    if math.prod(whole) == max(call.input.numel(), call.target.numel()):
        return None
    shapes = f"{tuple(call.input.shape)} and {tuple(call.target.shape)}"
    text = f"{call.name} is given shapes {shapes} and spreads them to {tuple(whole)}: "
    text += "every output is compared with every target."
    return Finding(
        NAME,
        "error",
        "Shapes are spread against each other",
        text,
        remedy="Give both the same shape: squeeze or unsqueeze one.",
    )


REACH = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), **dict.fromkeys(RELU, (0.0, math.inf))}
BEYOND = 0.05


def _out_of_reach(call: LossCall) -> Finding | None:
    low, high = _clamped(call.origin) or REACH.get(call.origin, (-math.inf, math.inf))
    share = float(((call.target < low - 1e-3) | (call.target > high + 1e-3)).float().mean())
    if share <= BEYOND:
        return None
    text = f"{share:.0%} of the targets of {call.name} lie outside {low:g} to {high:g}, where the "
    text += f"{call.origin.strip('_')} behind the last layer ends."
    return Finding(
        NAME,
        "error" if share > 0.5 else "warning",
        "Targets out of the output's reach",
        text,
        remedy="Remove it from the output, or scale the targets.",
    )


def _clamped(origin: str) -> tuple[float, float] | None:
    """The ends of a clamp: of ``clamp (0, 1)``, or ``clamp (None, 1)``."""
    if not origin.startswith("clamp "):
        return None
    ends = [None if end.strip() in ("None", "") else end for end in origin[7:].strip("()").split(",")]
    try:
        low, high = (None if end is None else float(end) for end in (*ends, None)[:2])
    except ValueError:
        return None
    return -math.inf if low is None else low, math.inf if high is None else high
