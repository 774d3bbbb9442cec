"""MI-FGSM: the iterative gradient sign method with momentum, so that its pictures fool other networks too."""

from dataclasses import dataclass
from typing import ClassVar

from snellen._shapes import Pixels
from snellen.instruments.attacks._base import Attack
from snellen.instruments.attacks._climb import check_steps, climb, radius
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.attacks._norms import L2, Linf, Norm
from snellen.instruments.attacks._victim import Victim


@dataclass(frozen=True)
class MIFGSM(Attack):
    """Steps along a running sum of normalised gradients, from the image itself.

    ``velocity <- decay * velocity + gradient / mean|gradient|``, ``x <- project(x + step * sign(velocity))``. With a
    decay of 0 it is BIM. The sum forgets the turns that only one network makes: its pictures fool other networks more
    often than BIM's.

    Args:
        norm: Linf or L2, with a budget.
        steps: at most.
        step: size of one, in the norm; if not given, ``eps / steps``.
        decay: of the sum, 0 to 1; 1 in the paper.

    Raises:
        UsageError: fewer than one step; a step that is not positive; a decay outside [0, 1].

    Reference: Dong et al. 2018, Boosting Adversarial Attacks with Momentum, arXiv 1710.06081.

    >>> import torch
    >>> from snellen.subject.network import Network
    >>> module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2, bias=False))
    >>> found = MIFGSM(Linf(1.0))(Network(module), torch.rand(4, 3, 2, 2), torch.tensor([0, 0, 1, 1]))
    >>> found.images.shape, bool(found.success.all())
    (torch.Size([4, 3, 2, 2]), True)
    """

    norms: ClassVar[tuple[type[Norm], ...]] = (Linf, L2)
    steps: int = 10
    step: float | None = None
    decay: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_steps(self.steps, self.step, self.decay)

    def perturb(self, victim: Victim, originals: Pixels, draws: Draws) -> Pixels:
        size = self.step or radius(self.norm) / self.steps
        made, _ = climb(
            victim, originals, originals, draws, norm=self.norm, steps=self.steps, size=size, decay=self.decay
        )
        return made
