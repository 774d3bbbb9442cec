"""What an attack wants of each image, and how near it is."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from snellen._errors import UsageError
from snellen._shapes import Labels, Logits


@dataclass(frozen=True, eq=False)
class Goal(ABC):
    """One wish an image. Scores have as many rows as the goal."""

    classes: ClassVar[bool] = True

    @abstractmethod
    def __getitem__(self, rows: Tensor) -> "Goal":
        """The wishes of some images."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def margin(self, scores: Logits) -> Float[Tensor, "n"]:
        """How far each image is from its goal, in units of the scores; below 0 it is reached."""

    @abstractmethod
    def cross_entropy(self, scores: Logits) -> Float[Tensor, "n"]:
        """Another loss that grows towards the goal, where there are classes; else the negative margin."""

    def achieved(self, outputs: Logits) -> Bool[Tensor, "n"]:
        """Whether the network's real outputs reach the goal. A tie does not."""
        return self.margin(outputs.detach()) < 0

    @abstractmethod
    def check(self, outputs: int) -> None:
        """Refuse a wish about an output that a network with so many does not have.

        Raises:
            UsageError: names how many there are.
        """

    def attempts(self) -> "Sequence[Goal]":
        """Goals to try one after another on the images that still resist."""
        return (self,)


@dataclass(frozen=True, eq=False)
class Untargeted(Goal):
    """Any other class than ``labels``."""

    labels: Labels

    def __getitem__(self, rows: Tensor) -> "Untargeted":
        return Untargeted(self.labels[rows])

    def check(self, outputs: int) -> None:
        _below("labels", int(self.labels.max()), outputs)

    def __len__(self) -> int:
        return len(self.labels)

    def margin(self, scores: Logits) -> Float[Tensor, "n"]:
        own, other = own_and_best_other(scores, self.labels)
        return own - other

    def cross_entropy(self, scores: Logits) -> Float[Tensor, "n"]:
        return F.cross_entropy(scores.float(), self.labels, reduction="none")


@dataclass(frozen=True, eq=False)
class Targeted(Goal):
    """The class ``target`` of each image."""

    target: Labels

    def __getitem__(self, rows: Tensor) -> "Targeted":
        return Targeted(self.target[rows])

    def check(self, outputs: int) -> None:
        _below("target", int(self.target.max()), outputs)

    def __len__(self) -> int:
        return len(self.target)

    def margin(self, scores: Logits) -> Float[Tensor, "n"]:
        own, other = own_and_best_other(scores, self.target)
        return other - own

    def cross_entropy(self, scores: Logits) -> Float[Tensor, "n"]:
        return -F.cross_entropy(scores.float(), self.target, reduction="none")


@dataclass(frozen=True, eq=False)
class Moved(Goal):
    """An output of a regression moved by more than ``by``.

    Attributes:
        before: (n,) the output on the unchanged image.
        by: how far, in units of the output.
        sign: +1 up, -1 down, 0 whichever way: down first where the output is positive, then the other way.
        output: which of the outputs.
    """

    before: Float[Tensor, "n"]
    by: float
    sign: int | Float[Tensor, "n"] = 0
    output: int = 0
    classes: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not (self.by > 0 and math.isfinite(self.by)):
            raise UsageError(f"an output must be moved by a positive amount, got {self.by}")

    def __getitem__(self, rows: Tensor) -> "Moved":
        sign = self.sign[rows] if isinstance(self.sign, Tensor) else self.sign
        return replace(self, before=self.before[rows], sign=sign)

    def __len__(self) -> int:
        return len(self.before)

    def check(self, outputs: int) -> None:
        _below("the output that is moved", self.output, outputs)

    def margin(self, scores: Logits) -> Float[Tensor, "n"]:
        change = scores[:, self.output] - self.before
        if isinstance(self.sign, int) and self.sign == 0:
            return self.by - change.abs()
        return self.by - change * self.sign

    def cross_entropy(self, scores: Logits) -> Float[Tensor, "n"]:
        return -self.margin(scores)

    def attempts(self) -> Sequence[Goal]:
        if not (isinstance(self.sign, int) and self.sign == 0):
            return (self,)
        first = torch.where(self.before > 0, -1.0, 1.0)
        return replace(self, sign=first), replace(self, sign=-first)


def own_and_best_other(scores: Logits, labels: Labels) -> tuple[Float[Tensor, "n"], Float[Tensor, "n"]]:
    """The score of each image's class, and the highest among all others."""
    own = scores.gather(1, labels[:, None])
    others = scores.scatter(1, labels[:, None], -math.inf)
    return own[:, 0], others.amax(dim=1)


def _below(name: str, highest: int, outputs: int) -> None:
    if highest >= outputs:
        raise UsageError(f"{name} must be below the network's {outputs} classes, got {highest}")
