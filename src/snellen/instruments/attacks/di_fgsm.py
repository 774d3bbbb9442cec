"""DI-FGSM: every gradient is taken through a picture of a random size at a random place, so that it transfers."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from snellen._errors import UsageError
from snellen._shapes import Pixels
from snellen.instruments.attacks._base import Attack
from snellen.instruments.attacks._climb import check_steps, climb, radius
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.attacks._norms import L2, Linf, Norm
from snellen.instruments.attacks._victim import Victim


@dataclass(frozen=True)
class DIFGSM(Attack):
    """Iterated gradient signs, each gradient through a shrunken copy at a random place on black.

    With probability ``probability`` an image is shrunk (bilinear) by a factor drawn from [``smallest``, 1] and put at
    a random place of a black picture of its own size; the gradient of the loss there is carried back to its pixels.
    Sizes, places and chances are drawn per image and step. Where the paper enlarges the network's input (299 to 330
    pixels), the input keeps its size here, so that every network takes it.

    Args:
        norm: Linf or L2, with a budget.
        steps: at most.
        step: size of one, in the norm; if not given, ``eps / steps``.
        decay: of the velocity, 0 to 1; 0 is DI-FGSM and 1 the paper's M-DI-FGSM.
        probability: of a change of an image in a step; 0.5 in the paper.
        smallest: factor; 0.9 is 299 / 330.

    Raises:
        UsageError: fewer than one step; a step that is not positive; a decay, probability or factor outside [0, 1].

    Reference: Xie et al. 2019, Improving Transferability of Adversarial Examples with Input Diversity,
    arXiv 1803.06978.

    >>> from snellen.subject.network import Network
    >>> module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2))
    >>> found = DIFGSM(Linf(1.0))(Network(module), torch.rand(4, 3, 2, 2), torch.tensor([0, 0, 1, 1]))
    >>> found.images.shape, bool((found.distance[found.success] <= 1).all())
    (torch.Size([4, 3, 2, 2]), True)
    """

    norms: ClassVar[tuple[type[Norm], ...]] = (Linf, L2)
    steps: int = 10
    step: float | None = None
    decay: float = 0.0
    probability: float = 0.5
    smallest: float = 0.9

    def __post_init__(self) -> None:
        super().__post_init__()
        check_steps(self.steps, self.step, self.decay)
        if not 0 <= self.probability <= 1 or not 0 < self.smallest <= 1:
            raise UsageError(
                f"probability must lie in [0, 1] and smallest in (0, 1], got {self.probability} and {self.smallest}"
            )

    def perturb(self, victim: Victim, originals: Pixels, draws: Draws) -> Pixels:
        size = self.step or radius(self.norm) / self.steps

        def diverse(victim: Victim, pictures: Pixels, velocity: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
            del velocity
            with torch.enable_grad():
                leaf = pictures.detach().clone().requires_grad_()
                seen = self._seen(leaf, draws)
            there = victim.slope(seen.detach()).gradient
            (gradient,) = torch.autograd.grad(seen, leaf, there)
            return gradient, victim.look(pictures).achieved

        made, _ = climb(
            victim,
            originals,
            originals,
            draws,
            norm=self.norm,
            steps=self.steps,
            size=size,
            decay=self.decay,
            ask=diverse,
        )
        return made

    def _seen(self, pictures: Pixels, draws: Draws) -> Pixels:
        chance, shrunk, right, down = draws.uniform((len(pictures), 4)).to(pictures.device).T
        factor = 1 - (1 - self.smallest) * shrunk
        room = 1 / factor - 1
        theta = torch.zeros(len(pictures), 2, 3, device=pictures.device)
        theta[:, 0, 0] = theta[:, 1, 1] = 1 / factor
        theta[:, 0, 2], theta[:, 1, 2] = room * (2 * right - 1), room * (2 * down - 1)
        grid = F.affine_grid(theta, list(pictures.shape), align_corners=False)
        moved = F.grid_sample(pictures, grid, padding_mode="zeros", align_corners=False)
        return torch.where((chance < self.probability).view(-1, 1, 1, 1), moved, pictures)
