"""What the study of improvement computes, as values, and the rounds in which levers are tried and taken."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from snellen.studies._improve_levers import Lever, Recipe
from snellen.studies._paired import Gain, gain
from snellen.training.looks import Looks

GIVEN = "as given"


@dataclass(frozen=True, eq=False)
class Answers:
    """What networks trained alike but for the seed answered to one part.

    Attributes:
        right: (s, n) which images each of them is right about; one that diverged is right about none.
        losses: (s,) mean cross-entropy in nats; NaN where it diverged.
    """

    right: NDArray[np.bool_]
    losses: NDArray[np.float64]

    @property
    def accuracy(self) -> float:
        """The mean over seeds and images."""
        return float(self.right.mean())

    @property
    def loss(self) -> float | None:
        """The mean over the seeds that did not diverge; None if all did."""
        return None if self.diverged == len(self.losses) else float(np.nanmean(self.losses))

    @property
    def most(self) -> NDArray[np.bool_]:
        """(n,) which images more than half of the networks are right about."""
        return np.asarray(self.right.mean(0) > 0.5)

    @property
    def diverged(self) -> int:
        """How many did."""
        return int(np.isnan(self.losses).sum())


@dataclass(frozen=True, eq=False)
class Arm:
    """One way to train: the levers that were taken so far, perhaps one more, and what came of it on validation."""

    lever: Lever | None
    recipe: Recipe
    val: Answers


@dataclass(frozen=True, eq=False)
class Round:
    """All levers against the same training.

    Attributes:
        before: the training they are held against.
        tried: each lever on top of it, largest gain first.
    """

    before: Arm
    tried: tuple[Arm, ...]

    @cached_property
    def gains(self) -> tuple[Gain, ...]:
        """Of each lever, in the same order."""
        return tuple(gain(arm.val.right, self.before.val.right) for arm in self.tried)

    @property
    def taken(self) -> Arm | None:
        """The lever that gained most, if that is more than noise."""
        return self.tried[0] if self.tried and self.gains[0].low > 0 else None


def rounds_of(
    first: Arm, levers: Sequence[Lever], most: int, looks: Looks, tried: Callable[[Recipe], Answers]
) -> Iterator[Round]:
    """Try all levers, take the one that gains most if that is more than noise, and try the others on top of it.

    A lever that would change nothing is left out. Ends after a round in which none is taken.

    Args:
        first: the training as it was given.
        levers: to try.
        most: rounds, at most.
        looks: the ledger, in which every look at the validation part and every choice by it is noted.
        tried: what comes of a recipe.
    """
    before = first
    looks.look("val", GIVEN, first.val.most)
    known = GIVEN
    for number in range(1, most + 1):
        arms: dict[str, Arm] = {}
        for lever in levers:
            recipe = lever.on(before.recipe)
            if recipe != before.recipe:
                name = f"round {number}: {lever.name}"
                arms[name] = Arm(lever, recipe, tried(recipe))
                looks.look("val", name, arms[name].val.most)
        ranked = sorted(arms, key=lambda name: -arms[name].val.accuracy)
        found = Round(before, tuple(arms[name] for name in ranked))
        yield found
        if found.taken is None:
            return
        looks.chose(f"lever of round {number}", "val", ranked[0], (known, *arms))
        known, before = ranked[0], found.taken
