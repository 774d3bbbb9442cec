"""The fast gradient sign method: one step of the whole budget."""

from dataclasses import dataclass
from typing import ClassVar

from snellen._shapes import Pixels
from snellen.instruments.attacks._base import Attack
from snellen.instruments.attacks._climb import radius
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.attacks._norms import L2, Linf, Norm
from snellen.instruments.attacks._victim import Victim


@dataclass(frozen=True)
class FGSM(Attack):
    """One step of the steepest ascent of the cross-entropy, as far as the budget goes.

    ``x + eps * sign(gradient)`` in Linf, ``x + eps * gradient / |gradient|`` in L2. On a network whose scores are
    linear in the pixels no change within the budget is stronger; on others a longer step may overshoot, so that an
    image resists a large budget and not a small one.

    Args:
        norm: Linf or L2, with a budget.

    Reference: Goodfellow, Shlens and Szegedy 2015, Explaining and Harnessing Adversarial Examples, arXiv 1412.6572.

    >>> import torch
    >>> from snellen.subject.network import Network
    >>> module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2, bias=False))
    >>> found = FGSM(Linf(1.0))(Network(module), torch.rand(4, 3, 2, 2), torch.tensor([0, 0, 1, 1]))
    >>> bool(found.success[~found.already].all()), found.details["gradients"] <= 4
    (True, True)
    """

    norms: ClassVar[tuple[type[Norm], ...]] = (Linf, L2)

    def perturb(self, victim: Victim, originals: Pixels, draws: Draws) -> Pixels:
        del draws
        return originals + radius(self.norm) * self.norm.steepest(victim.slope(originals).gradient)
