"""NI-FGSM: momentum that looks ahead before it asks for the gradient (Nesterov)."""

from dataclasses import dataclass

from torch import Tensor

from snellen._shapes import Pixels
from snellen.instruments.attacks._base import Attack
from snellen.instruments.attacks._climb import check_steps, climb, radius
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.attacks._victim import Victim


@dataclass(frozen=True)
class NIFGSM(Attack):
    """MI-FGSM whose gradient is taken where the velocity is about to carry the image.

    The gradient is that at ``x + step * decay * velocity``; all else is as in MI-FGSM. The place ahead may lie outside
    the budget and outside [0, 1], as in the paper: it is only asked, never returned. One more forward a step than
    MI-FGSM, to see whether x itself has reached its goal.

    Args:
        norm: Linf, with a budget.
        steps: at most.
        step: size of one; if not given, ``eps / steps``.
        decay: of the velocity, 0 to 1; 1 in the paper.

    Raises:
        UsageError: fewer than one step; a step that is not positive; a decay outside [0, 1].

    Reference: Lin et al. 2020, Nesterov Accelerated Gradient and Scale Invariance for Adversarial Attacks,
    arXiv 1908.06281.

    >>> import torch
    >>> from snellen.instruments.attacks._norms import Linf
    >>> from snellen.subject.network import Network
    >>> module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2, bias=False))
    >>> found = NIFGSM(Linf(1.0))(Network(module), torch.rand(4, 3, 2, 2), torch.tensor([0, 0, 1, 1]))
    >>> found.images.shape, bool(found.success.all())
    (torch.Size([4, 3, 2, 2]), True)
    """

    steps: int = 10
    step: float | None = None
    decay: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_steps(self.steps, self.step, self.decay)

    def perturb(self, victim: Victim, originals: Pixels, draws: Draws) -> Pixels:
        size = self.step or radius(self.norm) / self.steps

        def ahead(victim: Victim, pictures: Pixels, velocity: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
            del draws
            gradient = victim.slope(pictures + size * self.decay * velocity).gradient
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
            ask=ahead,
        )
        return made
