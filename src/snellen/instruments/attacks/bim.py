"""The iterative gradient sign method (BIM, I-FGSM): FGSM in small steps, from the image itself."""

from dataclasses import dataclass
from typing import ClassVar

from snellen._shapes import Pixels
from snellen.instruments.attacks._base import Attack
from snellen.instruments.attacks._climb import check_steps, climb, radius
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.attacks._norms import L2, Linf, Norm
from snellen.instruments.attacks._victim import Victim


@dataclass(frozen=True)
class BIM(Attack):
    """Small steps of the steepest ascent of the cross-entropy from the image itself, put back into the budget.

    ``x <- project(x + step * sign(gradient))`` in Linf. PGD without its random start: nothing is drawn. It finds more
    than FGSM on the network that it climbs, and its pictures often fool *other* networks less.

    Args:
        norm: Linf or L2, with a budget.
        steps: at most.
        step: size of one, in the norm; if not given, ``eps / steps``.

    Raises:
        UsageError: fewer than one step; a step that is not positive.

    Reference: Kurakin, Goodfellow and Bengio 2017, Adversarial Examples in the Physical World, arXiv 1607.02533.

    >>> import torch
    >>> from snellen.subject.network import Network
    >>> module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2))
    >>> found = BIM(Linf(1.0))(Network(module), torch.rand(4, 3, 2, 2), torch.tensor([0, 0, 1, 1]))
    >>> found.images.shape, bool((found.distance[found.success] <= 1).all())
    (torch.Size([4, 3, 2, 2]), True)
    """

    norms: ClassVar[tuple[type[Norm], ...]] = (Linf, L2)
    steps: int = 10
    step: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_steps(self.steps, self.step)

    def perturb(self, victim: Victim, originals: Pixels, draws: Draws) -> Pixels:
        size = self.step or radius(self.norm) / self.steps
        made, _ = climb(victim, originals, originals, draws, norm=self.norm, steps=self.steps, size=size)
        return made
