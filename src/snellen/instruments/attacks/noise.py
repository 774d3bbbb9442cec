"""Random noise of the same budget: what an attack must beat before its name means anything."""

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import torch

from snellen._errors import UsageError
from snellen._shapes import Pixels
from snellen.instruments.attacks._base import Attack
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.attacks._lattice import inside, rounded
from snellen.instruments.attacks._norms import L2, Linf, Norm
from snellen.instruments.attacks._victim import Victim

Kind = Literal["uniform", "sign"]


@dataclass(frozen=True)
class Noise(Attack):
    """Noise that knows nothing of the network: the non-adversarial control of the same budget.

    Linf: each value moves by a uniform draw from ``[-eps, eps]``, or by ``eps`` up or down, as a coin falls. L2:
    normal noise of length ``eps`` exactly, or coins of that length.

    Args:
        norm: Linf or L2, with a budget.
        kind: ``uniform`` or ``sign``, the largest noise there is in Linf.
        tries: fresh noise for images that resist; one is what chance does, more is a search.

    Raises:
        UsageError: an unknown kind, fewer than one try.

    Reference: Fawzi, Moosavi-Dezfooli and Frossard 2016, Robustness of classifiers: from adversarial to random noise,
    NIPS.

    >>> from snellen.subject.network import Network
    >>> module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2))
    >>> found = Noise(Linf(0.1))(Network(module), torch.rand(4, 3, 2, 2), torch.tensor([0, 0, 1, 1]))
    >>> found.details["gradients"], bool((found.distance[found.success] <= 0.1).all())
    (0, True)
    """

    norms: ClassVar[tuple[type[Norm], ...]] = (Linf, L2)
    kind: Kind = "uniform"
    tries: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.kind not in get_args(Kind):
            raise UsageError(f"the kind of noise must be uniform or sign, got {self.kind!r}")
        if self.tries < 1:
            raise UsageError(f"tries must be at least 1, got {self.tries}")

    def perturb(self, victim: Victim, originals: Pixels, draws: Draws) -> Pixels:
        best, open_ = originals.clone(), torch.arange(len(originals), device=originals.device)
        for attempt in range(self.tries):
            start = originals[open_]
            noise = self._noise(start.shape, draws[open_].split(attempt)).to(originals.device)
            best[open_] = rounded(inside(start + noise, start, self.norm), start, self.norm)
            if attempt + 1 < self.tries:
                open_ = open_[~victim[open_].look(best[open_]).achieved]
            if len(open_) == 0:
                break
        return best

    def _noise(self, shape: torch.Size, draws: Draws) -> Pixels:
        coins = 2.0 * draws.integers(2, shape) - 1
        if isinstance(self.norm, Linf):
            return coins * self.norm.radius if self.kind == "sign" else self.norm.drawn(shape, draws)
        return self.norm.eps * self.norm.steepest(coins if self.kind == "sign" else draws.normal(shape))
