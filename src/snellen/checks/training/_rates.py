"""A learning rate beside others, tried out: what makes an error of a suspicion."""

import math
from collections.abc import Sequence

from snellen.training.health.facts import Observation, Trial
from snellen.training.health.walk import walk

STEPS = 16
LOWER = (1 / 30, 1 / 1000, 1 / 30000)
HIGHER = (1e3, 1e5, 1e6, 1e7, 1e9)
FEW = 8
LONG = 10_000
CLEAR = 2e-6  # of the loss: ten times what single precision leaves in doubt


def proves_too_high(seen: Observation) -> str:
    """What 16 steps at the set-up's rate and at smaller ones show, if they prove it too high; else nothing.

    At its own rate the mean loss of the last eight is above where it began and above knowing nothing (ln k, where one
    cross-entropy is the loss) and the last two are not below, or it is not finite on the way; at a rate 30, 1,000 or
    30,000 times smaller the same steps lower it by a twentieth. All on the same batch with the same dropout, where any
    network that trains at all finds its way down. Not tried where several optimizers work on several losses, for these
    may be a game.
    """
    if len(seen.rules) != 1 and len(seen.losses) != 1:
        return ""
    begun = seen.loss
    ground = max(begun, blind(seen))
    own = walk(seen.setup, STEPS, seed=seen.seed, halt=lambda losses: lost(losses, ground))
    tail = own[-STEPS // 2 :]
    ruined = not math.isfinite(own[-1]) or lost(own, ground)
    stays = sum(tail) / len(tail) > ground and min(own[-2:]) > 0.95 * begun
    if begun <= 0 or not (ruined or stays):
        return ""
    for factor in LOWER:
        slow = walk(seen.setup, STEPS, rate=factor, seed=seen.seed, halt=lambda losses: falls(losses, begun))
        if falls(slow, begun):
            return (
                f"Tried on this batch alone: after {len(own) - 1} steps at this rate its loss is {own[-1]:.4g}, after "
                f"{len(slow) - 1} at 1/{1 / factor:,.0f} of it {slow[-1]:.4g}."
            )
    return ""


def recovers(seen: Observation) -> bool:
    """Whether the set-up's own 16 steps on this batch end lower than they began, and than 16 steps of a tenth do.

    A first step of Adam is as long in every weight as its rate, and may overshoot where later ones do not.
    """
    own, slow = (walk(seen.setup, STEPS, rate=rate, seed=seen.seed) for rate in (1.0, 0.1))
    return max(own[-3:]) < seen.loss and own[-1] < slow[-1]


def proves_too_low(seen: Observation, trial: Trial) -> str:
    """What a larger rate does in a few steps, if this one would do nothing in 10,000; else nothing.

    The steps are so short that the loss is a straight line along them: what 256 do at once is multiplied, by 1 / (1 -
    momentum) too. The loss must have far to fall: it is at least half of ln k, or most of what is trained is random.
    """
    begun, far = seen.loss, trial.at(256)
    if not begun > 0 or not math.isfinite(far) or not seen.first_step or not _far_to_fall(seen):
        return ""
    momentum = max((m for r in seen.rules if isinstance(m := r.settings.get("momentum", 0.0), float)), default=0.0)
    brought = abs(begun - far) / 256 * LONG / (1 - min(momentum, 0.99))
    if brought > begun / 100:
        return ""
    for factor in HIGHER:
        quick = walk(seen.setup, FEW, rate=factor, decay=False, seed=seen.seed, halt=lambda so: so[-1] < 0.95 * begun)
        if quick[-1] < 0.95 * begun:
            return (
                f"{LONG:,} steps would lower it by {brought / begun:.2g} of its size; tried on this batch alone, "
                f"{len(quick) - 1} at {factor:,.0f} times the rate bring it to {quick[-1]:.4g}."
            )
    return ""


def climbs(seen: Observation) -> str:
    """What a step 30 and 1,000 times smaller does to the loss, and the same step backwards; said if they prove that
    the step goes up. So short a step goes where the gradient says, whatever the rate is.

    Asked of random weights before the first step, where one optimizer works on one loss function: games, reversed
    gradients beside others, and unlearning go up on purpose.
    """
    if len(seen.rules) != 1 or len(seen.losses) != 1 or not from_scratch(seen):
        return ""
    for factor in LOWER[:2]:
        there, back = (walk(seen.setup, 2, rate=sign * factor, seed=seen.seed)[-1] for sign in (1, -1))
        if not there - seen.loss > CLEAR * abs(seen.loss) or not seen.loss - back > CLEAR * abs(seen.loss):
            return ""
    return f"Two steps at a {1 / factor:,.0f}th of the rate take it to {there:.6g}, two steps backwards to {back:.6g}."


def blind(seen: Observation) -> float:
    """What knowing nothing costs; 0 where that is not known."""
    kinds = [c.input.shape[1] for c in seen.losses if c.name in ("cross_entropy", "nll_loss") and c.input.ndim > 1]
    return math.log(max(kinds)) if kinds and len(seen.losses) == 1 else 0.0


def from_scratch(seen: Observation) -> bool:
    """Before the first step, most of what is trained is random, and no frozen weight works on what it computes.

    So it is no perturbation against a trained network, and nothing that was learnt is unlearnt.
    """
    weights = [p for p in seen.parameters if p.trains and len(p.shape) > 1]
    random = sum(p.count for p in weights if p.fresh.random)
    judge = any(p.consumes & seen.trained for p in seen.parameters if not p.trains and not p.groups)
    own = {id(p) for p in seen.named.values()}
    others = any(id(p) not in own for m in seen.setup.modules for p in m.parameters())
    return seen.first_step and random > sum(p.count for p in weights) / 2 and not judge and not others


def lost(losses: Sequence[float], ground: float) -> bool:
    """Four in a row far above: no need to go on."""
    return len(losses) > 4 and all(loss > 10 * ground for loss in losses[-4:])


def falls(losses: Sequence[float], begun: float) -> bool:
    """Two in a row a twentieth below the beginning."""
    return len(losses) > 2 and max(losses[-2:]) < 0.95 * begun


def _far_to_fall(seen: Observation) -> bool:
    trained = [p for p in seen.parameters if p.trains and len(p.shape) > 1]
    random = sum(p.count for p in trained if p.fresh.random)
    return seen.loss >= blind(seen) / 2 > 0 or random > sum(p.count for p in trained) / 2
