"""TI-FGSM: gradients smoothed over shifts of the picture, so that they depend less on one network's grid."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
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
class TIFGSM(Attack):
    """Iterated gradient signs of gradients that were convolved with a Gaussian, channel by channel.

    For small shifts the mean over shifted pictures of the gradients, shifted back, is nearly the one gradient
    convolved with the weights of the shifts: ``x <- project(x + step * sign(kernel * gradient))``.

    Args:
        norm: Linf or L2, with a budget.
        steps: at most.
        step: size of one, in the norm; if not given, ``eps / steps``.
        decay: of the velocity, 0 to 1; 0 is TI-FGSM, 1 adds the momentum of MI-FGSM.
        kernel: odd side of the Gaussian, in pixels, whose standard deviation is a third of its radius; if not given,
            a twentieth of the image's shorter side and at least 5, which is 15 at the paper's 299 pixels.

    Raises:
        UsageError: fewer than one step; a step that is not positive; a decay outside [0, 1]; an even kernel.

    Reference: Dong et al. 2019, Evading Defenses to Transferable Adversarial Examples by Translation-Invariant
    Attacks, arXiv 1904.02884.

    >>> from snellen.subject.network import Network
    >>> module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2))
    >>> found = TIFGSM(Linf(1.0))(Network(module), torch.rand(4, 3, 2, 2), torch.tensor([0, 0, 1, 1]))
    >>> found.images.shape, bool((found.distance[found.success] <= 1).all())
    (torch.Size([4, 3, 2, 2]), True)
    """

    norms: ClassVar[tuple[type[Norm], ...]] = (Linf, L2)
    steps: int = 10
    step: float | None = None
    decay: float = 0.0
    kernel: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_steps(self.steps, self.step, self.decay)
        if self.kernel is not None and (self.kernel < 1 or self.kernel % 2 == 0):
            raise UsageError(f"kernel must be an odd number of pixels, got {self.kernel}")

    def perturb(self, victim: Victim, originals: Pixels, draws: Draws) -> Pixels:
        size = self.step or radius(self.norm) / self.steps
        side = self.kernel or max(5, min(originals.shape[2:]) // 20 // 2 * 2 + 1)
        weights = gaussian(side).to(originals.device).expand(originals.shape[1], 1, -1, -1)

        def smooth(victim: Victim, pictures: Pixels, velocity: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
            del velocity, draws
            slope = victim.slope(pictures)
            return F.conv2d(slope.gradient, weights, padding=side // 2, groups=len(weights)), slope.achieved

        made, _ = climb(
            victim,
            originals,
            originals,
            draws,
            norm=self.norm,
            steps=self.steps,
            size=size,
            decay=self.decay,
            ask=smooth,
        )
        return made


def gaussian(side: int) -> Float[Tensor, "side side"]:
    """Weights that sum to 1, with a standard deviation of a third of the radius.

    >>> round(gaussian(3).sum().item(), 4), round((gaussian(3)[1, 0] / gaussian(3)[1, 1]).item(), 4)
    (1.0, 0.0111)
    """
    far = torch.linspace(-3, 3, side) if side > 1 else torch.zeros(1)
    line = torch.exp(-far.square() / 2)
    weights = line[:, None] * line
    return weights / weights.sum()
