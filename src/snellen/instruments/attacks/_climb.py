"""The loop of all gradient-sign attacks: ask for a slope, step, put back into the budget, leave out who is done."""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from snellen._errors import UsageError
from snellen._shapes import Pixels
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.attacks._lattice import inside, rounded
from snellen.instruments.attacks._norms import TINY, Linf, Norm
from snellen.instruments.attacks._victim import Victim

Ask = Callable[[Victim, Pixels, Float[Tensor, "n c h w"], Draws], tuple[Float[Tensor, "n c h w"], Bool[Tensor, "n"]]]
"""Victim, pictures, velocity and random numbers -> the gradient to follow, and which pictures reach their goal."""


def slope_there(victim: Victim, pictures: Pixels, velocity: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
    """The slope at the pictures themselves."""
    del velocity, draws
    slope = victim.slope(pictures)
    return slope.gradient, slope.achieved


def climb(
    victim: Victim,
    originals: Pixels,
    start: Pixels,
    draws: Draws,
    *,
    norm: Norm,
    steps: int,
    size: float,
    decay: float = 0.0,
    ask: Ask = slope_there,
) -> tuple[Pixels, Bool[Tensor, "n"]]:
    """Steps of ``size`` along ``velocity <- decay * velocity + gradient / mean|gradient|``, projected into the budget.

    Slopes are taken at the picture of 8 bits next to where the climb has come to, so that each step is judged as it
    would be saved; an image that has reached its goal is left alone.

    Args:
        victim: with one goal an image.
        originals: (n, c, h, w) on levels.
        start: (n, c, h, w), put into the budget first.
        draws: a stream an image; every step has its own part of it.
        norm: with a budget.
        steps: at most.
        size: of a step, in the norm.
        decay: of the velocity; 0 forgets all but the last gradient.
        ask: where the gradient is from.

    Returns:
        pictures of 8 bits within the budget, and which of them reach their goal.
    """
    made = inside(start, originals, norm)
    out = rounded(made, originals, norm)
    velocity = torch.zeros_like(made)
    reached = torch.zeros(len(made), dtype=torch.bool, device=made.device)
    open_ = torch.arange(len(made), device=made.device)
    for step in range(steps):
        gradient, achieved = ask(victim[open_], out[open_], velocity[open_], draws[open_].split(step))
        reached[open_[achieved]] = True
        open_, gradient = open_[~achieved], gradient[~achieved]
        if len(open_) == 0:
            return out, reached
        mean = gradient.abs().flatten(1).mean(dim=1).clamp_min(TINY).view(-1, 1, 1, 1)
        velocity[open_] = decay * velocity[open_] + gradient / mean
        stepped = made[open_] + size * norm.steepest(velocity[open_])
        made[open_] = inside(stepped, originals[open_], norm)
        out[open_] = rounded(made[open_], originals[open_], norm)
    reached[open_] = victim[open_].look(out[open_]).achieved
    return out, reached


def radius(norm: Norm) -> float:
    """The budget that is used: whole levels in Linf."""
    return norm.radius if isinstance(norm, Linf) else norm.eps


def check_steps(steps: int, step: float | None, decay: float = 0.0) -> None:
    """Refuse settings that make no climb.

    Raises:
        UsageError: fewer than one step, a step that is not positive, a decay outside [0, 1].
    """
    if steps < 1:
        raise UsageError(f"steps must be at least 1, got {steps}")
    if step is not None and not step > 0:
        raise UsageError(f"step must be positive, got {step}; leave it out for the usual one")
    if not 0 <= decay <= 1:
        raise UsageError(f"decay must lie in [0, 1], got {decay}")
