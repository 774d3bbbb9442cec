"""What every check is given, and how checks are found."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from snellen._family import Family
from snellen.findings.finding import Finding
from snellen.subject.images import Images
from snellen.subject.network import Network
from snellen.subject.predictions import Predictions

AREAS = ("data", "accuracy", "confidence", "explanation", "robustness", "representation", "architecture")
CACHE = 192 << 20  # bytes of decoded images kept, so that checks that look at the same images decode them once
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class Subject:
    """A network, its images and what it says of them: computed once, asked by every check.

    ``progress(stage, done, total)`` may be called during long work. Images that checks look at are kept decoded, within
    bounds.
    """

    network: Network
    images: Images
    predictions: Predictions
    seed: int
    progress: Progress
    _decoded: dict[int, Tensor] = field(default_factory=dict, init=False, repr=False)

    def choose(self, count: int) -> Tensor:
        """Rows of ``predictions`` worth looking at: all, or half confidently wrong ones and half drawn by the seed.

        The rows come in their own order. (m,) int64, m <= count.
        """
        rows = len(self.predictions.indices)
        if rows <= count:
            return torch.arange(rows)
        wrong = self.predictions.wrong.nonzero()[:, 0]
        confidence = self.predictions.probabilities.amax(dim=1)
        worst = wrong[confidence[wrong].argsort(descending=True)][: count // 2]
        rest = torch.ones(rows, dtype=torch.bool)
        rest[worst] = False
        drawn = self._draw(rest, count - len(worst), torch.Generator().manual_seed(self.seed))
        return torch.cat([worst, drawn]).sort().values

    def draw(self, count: int) -> Tensor:
        """Rows of ``predictions`` to measure on: all, or up to half mistakes and the rest others, drawn by the seed.

        Unlike :meth:`choose` it prefers no mistake to another, so that mistakes and others are each fairly
        represented; :meth:`weights` undoes the proportion between the two. In their own order. (m,) int64, m <= count.
        """
        rows = len(self.predictions.indices)
        if rows <= count:
            return torch.arange(rows)
        wrong, generator = self.predictions.wrong, torch.Generator().manual_seed(self.seed)
        mistakes = self._draw(wrong, max(count // 2, count - int((~wrong).sum())), generator)
        return torch.cat([mistakes, self._draw(~wrong, count - len(mistakes), generator)]).sort().values

    def weights(self, rows: Tensor) -> Tensor:
        """(m,) float64 for rows of :meth:`draw`, summing to 1: a weighted mean over them speaks for all images."""
        wrong = self.predictions.wrong
        weights = torch.zeros(len(rows), dtype=torch.float64)
        for group in (wrong, ~wrong):
            here = group[rows]
            weights[here] = float(group.sum()) / max(int(here.sum()), 1)
        return weights / weights.sum()

    @staticmethod
    def _draw(among: Tensor, count: int, generator: torch.Generator) -> Tensor:
        found = among.nonzero()[:, 0]
        return found[torch.randperm(len(found), generator=generator)[:count]]

    def pixels(self, rows: Tensor) -> Tensor:
        """(m, c, h, w) the images of some rows of ``predictions``, as the network sees them."""
        wanted = self.predictions.indices[rows].tolist()
        known = {i: self._decoded[i] for i in wanted if i in self._decoded}
        missing = [i for i in dict.fromkeys(wanted) if i not in known]
        if missing:
            found = self.images.pixels(self.network.preprocessing, indices=missing)
            fresh = dict(zip(missing, found.unbind(0), strict=True))
            known |= fresh
            room = CACHE // found[0].nbytes
            if len(self._decoded) + len(fresh) > room:
                self._decoded.clear()
            if len(fresh) <= room:
                self._decoded.update(fresh)
        return torch.stack([known[i] for i in wanted])


@dataclass(frozen=True)
class Check(ABC):
    """One question. Its settings are its fields; ``metrics`` are the names it measures, for ``--require``."""

    metrics: ClassVar[Mapping[str, str]] = {}

    @abstractmethod
    def __call__(self, subject: Subject) -> Sequence[Finding]:
        """Look, and say what was seen."""


class _Checks(Mapping[str, type[Check]]):
    """All checks of all areas, by ``area/name``."""

    def __init__(self) -> None:
        self._families = {area: Family(f"snellen.checks.{area}", Check) for area in AREAS}

    def __getitem__(self, name: str) -> type[Check]:
        area, _, method = name.partition("/")
        if method not in self._families.get(area, ()):
            raise KeyError(name)
        return self._families[area][method]

    def __iter__(self):  # type: ignore[no-untyped-def]
        return (f"{area}/{name}" for area, family in self._families.items() for name in family)

    def __len__(self) -> int:
        return sum(len(family) for family in self._families.values())


CHECKS: Mapping[str, type[Check]] = _Checks()
