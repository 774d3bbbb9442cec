"""Surrogate attack: climb another network, whose slopes are known, and show the result to the victim."""

from dataclasses import dataclass, field, replace
from typing import ClassVar

from snellen._errors import UsageError
from snellen._shapes import Pixels
from snellen.instruments.attacks._base import Attack
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.attacks._lattice import inside, rounded
from snellen.instruments.attacks._norms import L0, L2, Linf, Norm
from snellen.instruments.attacks._victim import Victim
from snellen.instruments.attacks.mi_fgsm import MIFGSM
from snellen.subject.network import Network
from snellen.subject.quiet import quiet


@dataclass(frozen=True)
class Surrogate(Attack):
    """A white-box attack on ``network``, judged on the victim, which may be any function.

    An attack with a budget takes all its steps, also after the surrogate errs: a picture that has only just crossed
    the surrogate's boundary rarely fools another network. Works where the victim's own gradients are missing or
    masked, and asks it about twice an image: before and after. Fails where surrogate and victim err differently. A
    victim known only by its answers is imitated first: :func:`snellen.training.imitate.imitate`.

    Args:
        norm: that is imposed on the attack.
        attack: made on the surrogate; its own norm is not used.
        network: the surrogate, with the victim's classes in the victim's order; left as it was.

    Raises:
        UsageError: no surrogate; a norm that the attack does not know; another number of classes than the victim's.

    Reference: Papernot, McDaniel and Goodfellow 2016, Transferability in Machine Learning, arXiv 1605.07277.

    >>> import torch
    >>> module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2, bias=False))
    >>> attack = Surrogate(Linf(1.0), network=Network(module))
    >>> found = attack(lambda pixels: 2 * module(pixels), torch.rand(4, 3, 2, 2), torch.tensor([0, 0, 1, 1]))
    >>> bool(found.success.all()), found.details["gradients"]
    (True, 0)
    """

    norms: ClassVar[tuple[type[Norm], ...]] = (Linf, L2, L0)
    needs_budget: ClassVar[bool] = False
    attack: Attack = field(default_factory=MIFGSM)
    network: Network | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        replace(self.attack, norm=self.norm)

    def perturb(self, victim: Victim, originals: Pixels, draws: Draws) -> Pixels:
        if self.network is None:
            raise UsageError("this attack needs a surrogate: give network, a Network with the victim's classes")
        own = Victim(self.network, victim.goal, through=victim.through, batch_size=victim.batch_size)
        asked = victim.look(originals[:1]).scores.shape[1]
        there = originals.to(self.network.device)
        with quiet(self.network.module):
            has = own.look(there[:1]).scores.shape[1]
            if has != asked:
                raise UsageError(f"the surrogate must have the victim's {asked} classes, it has {has}")
            return crafted(replace(self.attack, norm=self.norm), own, there, draws).to(originals.device)


def crafted(attack: Attack, surrogate: Victim, originals: Pixels, draws: Draws) -> Pixels:
    """Pictures of 8 bits within the budget, made on the surrogate for the eyes of others; no one judges them here.

    Args:
        attack: with a norm; one with a budget takes all its steps.
        surrogate: inside :func:`snellen.subject.quiet.quiet`.
        originals: (n, c, h, w) on levels.
        draws: a stream an image.
    """
    made = attack.perturb(replace(surrogate, stops=not attack.needs_budget), originals, draws)
    return rounded(inside(made.detach().float(), originals, attack.norm), originals, attack.norm)
