"""Sizes of a perturbation, and the ball that a budget draws around an image."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from snellen._errors import UsageError
from snellen.instruments.attacks._draws import Draws

TINY = 1e-12
Delta = Float[Tensor, "n c h w"]


@dataclass(frozen=True)
class Norm(ABC):
    """A size of perturbations of pixels in [0, 1], and a budget ``eps`` in it; without one the budget is unbounded."""

    eps: float = math.inf
    name: ClassVar[str]

    def __post_init__(self) -> None:
        if not isinstance(self.eps, int | float) or not self.eps > 0:
            raise UsageError(f"eps must be a positive number, got {self.eps!r}")

    @property
    def bounded(self) -> bool:
        """Whether there is a budget."""
        return math.isfinite(self.eps)

    @abstractmethod
    def size(self, delta: Delta) -> Float[Tensor, "n"]:
        """The norm of each perturbation, in float64."""

    @abstractmethod
    def project(self, delta: Delta) -> Delta:
        """The nearest perturbation within the budget."""

    @abstractmethod
    def steepest(self, gradient: Delta) -> Delta:
        """The step of size 1 that climbs most along a gradient; 0 where the gradient is 0."""

    @abstractmethod
    def drawn(self, shape: torch.Size, draws: Draws) -> Delta:
        """A random perturbation within the budget, per image."""


@dataclass(frozen=True, repr=False)
class Linf(Norm):
    """The largest change of any value. A budget is whole levels of 8 bits: ``floor(255 eps)``.

    >>> Linf(8 / 255).levels, Linf(0.031).levels
    (8, 7)
    """

    name: ClassVar[str] = "linf"

    def __repr__(self) -> str:
        whole = self.bounded and math.isclose(255 * self.eps, self.levels, abs_tol=1e-6)
        return f"Linf(eps={self.levels}/255)" if whole else f"Linf(eps={self.eps})"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.bounded and self.levels < 1:
            raise UsageError(
                f"an eps of {self.eps:.6g} is less than one of 255 levels: no picture of 8 bits lies that near; "
                "give at least 1/255"
            )

    @property
    def levels(self) -> int:
        """The budget on pictures of 8 bits; what was meant as k / 255 counts as k."""
        return 255 if not self.bounded else min(255, math.floor(255 * self.eps + 1e-6))

    @property
    def radius(self) -> float:
        """The budget that is used: whole levels."""
        return self.levels / 255

    def size(self, delta: Delta) -> Float[Tensor, "n"]:
        return delta.double().flatten(1).abs().amax(dim=1)

    def project(self, delta: Delta) -> Delta:
        return delta.clamp(-self.radius, self.radius)

    def steepest(self, gradient: Delta) -> Delta:
        return gradient.sign()

    def drawn(self, shape: torch.Size, draws: Draws) -> Delta:
        return (2 * draws.uniform(shape) - 1) * self.radius


@dataclass(frozen=True)
class L2(Norm):
    """The Euclidean length of the change, over all pixels and channels."""

    name: ClassVar[str] = "l2"

    def size(self, delta: Delta) -> Float[Tensor, "n"]:
        length: Tensor = torch.linalg.vector_norm(delta.double().flatten(1), dim=1)
        return length

    def project(self, delta: Delta) -> Delta:
        if not self.bounded:
            return delta
        return delta * (self.eps / _length(delta)).clamp(max=1)

    def steepest(self, gradient: Delta) -> Delta:
        return gradient / _length(gradient)

    def drawn(self, shape: torch.Size, draws: Draws) -> Delta:
        way = self.steepest(draws.normal(shape))
        return way * draws.uniform(torch.Size((shape[0], 1, 1, 1))) * (self.eps if self.bounded else 1.0)


@dataclass(frozen=True)
class L0(Norm):
    """The number of pixels that change, in whatever channel."""

    name: ClassVar[str] = "l0"

    def size(self, delta: Delta) -> Float[Tensor, "n"]:
        return (delta != 0).any(dim=1).flatten(1).sum(dim=1).double()

    def project(self, delta: Delta) -> Delta:
        return delta if not self.bounded else delta * self._largest(delta, int(self.eps))

    def steepest(self, gradient: Delta) -> Delta:
        return gradient.sign() * self._largest(gradient, 1)

    def drawn(self, shape: torch.Size, draws: Draws) -> Delta:
        return self.project(2 * draws.uniform(shape) - 1)

    @staticmethod
    def _largest(delta: Delta, count: int) -> Tensor:
        weight = delta.abs().amax(dim=1, keepdim=True)
        kept = weight.flatten(1).topk(min(count, weight[0].numel()), dim=1).indices
        mask = torch.zeros_like(weight).flatten(1).scatter_(1, kept, 1.0)
        return mask.view_as(weight)


NORMS: dict[str, type[Norm]] = {norm.name: norm for norm in (Linf, L2, L0)}
"""By the name that is used on the command line."""


def _length(delta: Delta) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(delta.flatten(1), dim=1)
    return length.clamp_min(TINY).view(-1, 1, 1, 1)
