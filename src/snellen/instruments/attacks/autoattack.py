"""AutoAttack: four attacks in turn, each on the images that still stand."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from snellen._errors import NotApplicable
from snellen._shapes import Pixels
from snellen.instruments.attacks._base import Attack
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.attacks._norms import L2, Linf, Norm
from snellen.instruments.attacks._victim import Victim
from snellen.instruments.attacks.apgd import APGD
from snellen.instruments.attacks.fab import FAB
from snellen.instruments.attacks.square import Square


@dataclass(frozen=True)
class AutoAttack(Attack):
    """The standard ensemble: an image is robust if all of APGD-CE, APGD-T (DLR), FAB-T and Square fail on it.

    ``robust = no member finds x' with |x' - x| <= eps that another class claims``. The settings are those of the
    published standard version: 100 steps, one start, 9 target classes, 5,000 queries. Networks of two classes or of
    one output work, by the margin. A network without a slope leaves Square alone; the details say so. Unlike in the
    authors' package every candidate is judged as a picture of 8 bits, an image that falls is left alone from that
    step on, and Square's sizes are scaled to its queries.

    Details: ``broken_by``, for each member the images it broke, by their place; ``skipped``, the members that could
    not be run, with the reason.

    Args:
        norm: Linf or L2, with a budget.
        steps: of APGD and FAB, each start and class.
        targets: classes that APGD-T and FAB-T try.
        queries: of Square.

    Raises:
        UsageError: counts below one.

    Reference: Croce and Hein 2020, Reliable Evaluation of Adversarial Robustness with an Ensemble of Diverse
    Parameter-free Attacks, arXiv 2003.01690.

    >>> from snellen.subject.network import Network
    >>> module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 3))
    >>> attack = AutoAttack(Linf(0.5), steps=10, queries=50)
    >>> pixels = torch.rand(4, 3, 2, 2)
    >>> found = attack(Network(module), pixels, module(pixels).argmax(dim=1))
    >>> list(found.details["broken_by"]), found.details["skipped"]
    (['apgd_ce', 'apgd_t', 'fab_t', 'square'], {})
    """

    norms: ClassVar[tuple[type[Norm], ...]] = (Linf, L2)
    steps: int = 100
    targets: int = 9
    queries: int = 5000

    def __post_init__(self) -> None:
        super().__post_init__()
        self.members()

    def members(self) -> Mapping[str, Attack]:
        """The attacks, in the order in which they are run."""
        return {
            "apgd_ce": APGD(self.norm, "ce", steps=self.steps),
            "apgd_t": APGD(self.norm, "targeted", steps=self.steps, targets=self.targets),
            "fab_t": FAB(self.norm, targets=self.targets, steps=self.steps),
            "square": Square(self.norm, queries=self.queries),
        }

    def perturb(self, victim: Victim, originals: Pixels, draws: Draws) -> Pixels:
        broken: dict[str, list[int]] = victim.counts.notes.setdefault("broken_by", {})
        skipped: dict[str, str] = victim.counts.notes.setdefault("skipped", {})
        images, floats = originals.clone(), originals.clone()
        success = torch.zeros(len(originals), dtype=torch.bool, device=originals.device)
        float_success, outputs = success.clone(), victim.look(originals).outputs
        for name, member in self.members().items():
            broken.setdefault(name, [])
            standing = (~success).nonzero()[:, 0]
            if len(standing) == 0:
                continue
            these, around = victim[standing], originals[standing]
            try:
                made = member.perturb(these, around, draws[standing])
            except NotApplicable as reason:
                skipped[name] = str(reason)
                continue
            self._judge(these, around, made, standing, (images, success, floats, float_success, outputs))
            broken[name] += self._places(these, success[standing])
        return torch.where(success.view(-1, 1, 1, 1), images, floats)

    @staticmethod
    def _places(victim: Victim, fallen: Tensor) -> list[int]:
        assert victim.places is not None
        return victim.places[fallen.cpu()].tolist()
