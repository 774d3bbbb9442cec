"""Plain gradient ascent: steps of a constant learning rate, as long as the slope is."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from snellen._errors import UsageError
from snellen._shapes import Pixels
from snellen.instruments.attacks._base import Attack
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.attacks._lattice import inside
from snellen.instruments.attacks._norms import L2, Linf, Norm
from snellen.instruments.attacks._victim import Victim, negative_margin


@dataclass(frozen=True)
class GradientAscent(Attack):
    """Steps along the slope of the margin itself, not its sign: where the slope is small, so is the step.

    ``x <- project(x + rate * gradient)``. The textbook's attack, kept to show what it cannot do: behind a tanh or a
    sigmoid that is nearly flat the slope is nearly 0, and no one rate suits all images. Give ``through="output"`` to
    see it. Steps are smaller than a level of 8 bits, so they are taken in floats and rounded once, at the end.

    Args:
        norm: Linf or L2, with a budget.
        rate: pixels (of a range of 1) a unit of slope.
        steps: at most; an image that has reached its goal is left alone.

    Raises:
        UsageError: a rate that is not positive, fewer than one step.

    Reference: Simonyan et al. 2013, Deep Inside Convolutional Networks, arXiv 1312.6034, section 2: ascent on the
    scores before the softmax; IN5400 exam 2021, exercise 6b.

    >>> from snellen.subject.network import Network
    >>> network = Network(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2)))
    >>> found = GradientAscent(Linf(1.0), rate=1.0)(network, torch.rand(4, 3, 2, 2), torch.tensor([0, 0, 1, 1]))
    >>> found.images.shape
    torch.Size([4, 3, 2, 2])
    """

    norms: ClassVar[tuple[type[Norm], ...]] = (Linf, L2)
    rate: float = 0.1
    steps: int = 100

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.rate > 0 or self.steps < 1:
            raise UsageError(f"rate must be positive and steps at least 1, got {self.rate} and {self.steps}")

    def perturb(self, victim: Victim, originals: Pixels, draws: Draws) -> Pixels:  # noqa: ARG002
        made, open_ = originals.clone(), torch.arange(len(originals), device=originals.device)
        for _ in range(self.steps):
            slope = victim[open_].slope(made[open_], negative_margin)
            left = ~slope.achieved
            open_ = open_[left]
            if len(open_) == 0:
                break
            stepped = made[open_] + self.rate * slope.gradient[left]
            made[open_] = inside(stepped, originals[open_], self.norm)
        return made
