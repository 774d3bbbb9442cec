"""What attacks with one change for all images share: whom they learn from, in what batches, and what they note."""

from collections.abc import Callable

import torch
from jaxtyping import Bool
from torch import Tensor

from snellen._shapes import Logits, Pixels
from snellen.instruments.attacks._base import Adversarial
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.attacks._goal import Goal
from snellen.instruments.attacks._victim import Victim


def held_out(found: Adversarial) -> Bool[Tensor, "n"]:
    """The images of a joint attack that it was not learned from, and whose originals did not reach the goal.

    ``found.success[held_out(found)].float().mean()`` is the rate to report.
    """
    rows = ~found.already
    rows[found.details.get("learned", torch.zeros(0, dtype=torch.long))] = False
    return rows


def chosen(draws: Draws, share: float) -> Tensor:
    """The rows that are learned from: a share of them, at least one, by lot."""
    count = len(draws.state)
    order = draws.split(0).uniform((count, 1))[:, 0].argsort(stable=True)
    return order[: max(1, round(share * count))].sort().values


def batches(draws: Draws, size: int, steps: int) -> list[Tensor]:
    """So many batches of rows: every pass goes through all of them, in an order of its own."""
    made: list[Tensor] = []
    number = 1
    while len(made) < steps:
        order = draws.split(number).uniform((len(draws.state), 1))[:, 0].argsort(stable=True)
        made += order.split(size)
        number += 1
    return made[:steps]


def note(victim: Victim, learned: Tensor, name: str, value: Tensor) -> None:
    """Keep what was learned and from which images, for the details; a second attempt adds to the first."""
    notes, places = victim.counts.notes, victim[learned].places
    assert places is not None
    notes["learned"] = torch.cat([notes["learned"], places]) if "learned" in notes else places
    notes[name] = torch.cat([notes[name], value.cpu()]) if name in notes else value.cpu()


def smooth_count(typical: Tensor) -> Callable[[Logits, Goal], Tensor]:
    """``sigmoid(-margin / typical)``: nearly 1 for an image beyond its goal, nearly 0 for one far from it.

    Its sum is a smooth count of the images that reach their goals. The slope is largest for those that are about to;
    a margin that is climbed itself spends the budget on images that no change within it could move.
    """

    def loss(scores: Logits, goal: Goal) -> Tensor:
        return torch.sigmoid(-goal.margin(scores) / typical.to(scores))

    return loss


def typical_margin(victim: Victim, originals: Pixels) -> Tensor:
    """The mean margin of some images, the scale of the scores."""
    return victim.goal.margin(victim.look(originals).scores).mean().clamp_min(1e-12)
