"""Weights and inputs of a wrong scale beside the same at a usual one, tried out: what makes an error of a suspicion."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from snellen._errors import UsageError
from snellen.checks.training._rates import STEPS, blind, falls
from snellen.training.health.facts import Observation
from snellen.training.health.setup import inputs_and_targets
from snellen.training.health.walk import walk

LARGE, SMALL = 5.0, 0.05  # of the gain; initialisations in use have 0.3 to 2.4
STILL = 1e-5  # of a weight's own length, in 16 steps


def proves_weights(seen: Observation) -> str:
    """What the loss is with the weights scaled to He's deviation, if that proves that their scale is wrong.

    The gain of a weight is its root mean square times the root of its fan in: a layer makes signals so many times as
    large. Asked where most weights have one above 5 or below 0.05, before the first step. Proved, if too large, by a
    loss that begins at a third; if too small, by 16 steps that lower the loss by a twentieth from there and do not from
    here. Networks that begin sure for another reason (a margin, a temperature) begin so with scaled weights too.
    """
    gains = {p.name: _gain(seen.named[p.name]) for p in seen.parameters if p.trains and len(p.shape) > 1}
    odd = {n: g for n, g in gains.items() if g > LARGE} or {n: g for n, g in gains.items() if 0 < g < SMALL}
    if not seen.first_step or len(odd) < 2 or len(odd) <= len(gains) / 2 or not seen.loss > 0:
        return ""

    def scale() -> None:
        for name, gain in odd.items():
            seen.named[name].mul_(math.sqrt(2) / gain)

    middle = sorted(odd.values())[len(odd) // 2]
    text = f"{len(odd)} of {len(gains)} weights make signals {middle:.3g} times as large, each where He's makes 1.4; "
    if middle > LARGE:
        begun = walk(seen.setup, 0, seed=seen.seed, change=scale)[0]
        return f"{text}scaled to that, the loss begins at {begun:.4g}." if begun < seen.loss / 3 else ""
    own = walk(seen.setup, STEPS, seed=seen.seed, halt=lambda losses: falls(losses, losses[0]))
    if falls(own, own[0]):
        return ""
    other = walk(seen.setup, STEPS, seed=seen.seed, change=scale, halt=lambda losses: falls(losses, losses[0]))
    if not falls(other, other[0]):
        return ""
    text += f"{len(own) - 1} steps bring the loss to {own[-1]:.4g}, {len(other) - 1} with weights scaled to that from "
    return f"{text}{other[0]:.4g} to {other[-1]:.4g}."


def proves_still(seen: Observation, names: list[str]) -> str:
    """How far these weights get in 16 of the set-up's own steps, if that is next to nothing."""
    begun: dict[str, Tensor] = {}
    far: dict[str, float] = {}

    def look(losses: list[float]) -> bool:
        for name in names:
            now = seen.named[name].detach()
            if name not in begun:
                begun[name] = now.clone()
            far[name] = float((now - begun[name]).float().norm() / begun[name].float().norm().clamp_min(1e-30))
        return falls(losses, losses[0])

    losses = walk(seen.setup, STEPS, seed=seen.seed, halt=look)
    if falls(losses, losses[0]) or len(losses) <= STEPS or not far or max(far.values()) > STILL:
        return ""
    return (
        f"{STEPS} steps move it by {max(far.values()):.1g} of its length and bring the loss from {losses[0]:.4g} to "
        f"{losses[-1]:.4g}."
    )


def proves_inputs(seen: Observation) -> str:
    """What the same images with mean 0 and deviation 1 in each channel do, if that proves these to be of a wrong scale.

    Proved for trained weights if the loss of these images is above knowing nothing, and of those below half of it and
    below knowing nothing; for others if 16 steps on those lower the loss by a twentieth, and 16 on these never by a
    thirtieth.
    """
    try:
        images = inputs_and_targets(seen.setup.batch)[0]
    except UsageError:
        return ""
    if not isinstance(images, Tensor) or images.ndim != 4 or not images.is_floating_point() or not seen.first_step:
        return ""
    axes = (0, 2, 3)
    spread = images.std(dim=axes, keepdim=True)
    if not bool((spread > 0).all()):
        return ""
    usual = (images - images.mean(dim=axes, keepdim=True)) / spread
    batch = _with(seen.setup.batch, images, usual)
    other = walk(seen.setup, STEPS, seed=seen.seed, batch=batch, halt=lambda losses: falls(losses, losses[0]))
    text = "The same images with mean 0 and deviation 1 in each channel"
    if seen.loss > blind(seen) > 0 and other[0] < min(seen.loss / 2, blind(seen)):
        return f"{text} have a loss of {other[0]:.4g}, these of {seen.loss:.4g}."
    own = walk(seen.setup, STEPS, seed=seen.seed)
    if falls(other, other[0]) and min(own) > 0.97 * own[0]:
        return (
            f"{text} go from a loss of {other[0]:.4g} to {other[-1]:.4g} in {len(other) - 1} steps, these from "
            f"{own[0]:.4g} to {own[-1]:.4g} in {len(own) - 1}."
        )
    return ""


def _gain(weight: Tensor) -> float:
    with torch.no_grad():
        return float(weight.float().square().mean().sqrt()) * math.sqrt(weight.numel() / len(weight))


def _with(batch: Any, old: Tensor, new: Tensor) -> Any:
    """The batch with one tensor in place of another."""
    if batch is old:
        return new
    if isinstance(batch, Mapping):
        return {k: _with(v, old, new) for k, v in batch.items()}
    if isinstance(batch, list | tuple):
        kept = [_with(v, old, new) for v in batch]
        return type(batch)(*kept) if hasattr(batch, "_fields") else type(batch)(kept)
    return batch
