"""A ledger of looks: how often each split was looked at, what it chose, and what may not be reported from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snellen._errors import UsageError, unknown
from snellen.findings.evidence import Table
from snellen.findings.finding import Finding
from snellen.training.optimism import Optimism, optimism

NAME = "selection/looks"


@dataclass(frozen=True)
class Choice:
    """Something that was chosen because its accuracy on a split was the best."""

    what: str
    split: str
    chosen: str
    among: tuple[str, ...]


@dataclass(frozen=True)
class Reuse:
    """A split that something was chosen on and that is reported as well.

    Attributes:
        split: its name.
        choices: what was chosen on it.
        candidates: how many there were to choose from, all choices together.
        images: in the split.
        reported: the accuracy that is reported.
        correlation: of right answers between the reported candidate and the others, as measured.
        apart: expected optimism if the candidates differ as much as they seem to, which is rather too small: part
            of the differences is noise.
        alike: expected optimism if all are equally good, which is the largest it can be.
    """

    split: str
    choices: tuple[Choice, ...]
    candidates: int
    images: int
    reported: float
    correlation: float
    apart: Optimism
    alike: Optimism


@dataclass(eq=False)
class Looks:
    """Every look at every split, every choice, every report.

    A number from a split that chose something is too good. The ledger tells which reported splits are of that kind,
    and simulates by how much they are too good, for the size of the split and the number of looks.

    >>> looks = Looks()
    >>> looks.look("test", "rate 0.1", [1, 1, 0, 1]), looks.look("test", "rate 0.2", [1, 1, 1, 1])
    (0.75, 1.0)
    >>> looks.choose("learning rate", "test")
    'rate 0.2'
    >>> looks.report("test", "rate 0.2")
    1.0
    >>> [(reuse.split, reuse.candidates) for reuse in looks.reused()]
    [('test', 2)]

    Reference: IN5400 exam 2021, exercise 2c; Cawley and Talbot 2010, JMLR 11:2079-2107.
    """

    right: dict[str, dict[str, NDArray[np.bool_]]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    choices: list[Choice] = field(default_factory=list)
    reports: list[tuple[str, str]] = field(default_factory=list)

    def look(self, split: str, candidate: str, right: ArrayLike) -> float:
        """Note a look, and return the accuracy that was seen.

        Args:
            split: name, such as ``val``.
            candidate: what was measured, such as ``rate 0.1, epoch 3``; measured again, it is one more look.
            right: (n,) for each image of the split whether the answer is right, always in the same order.

        Raises:
            UsageError: no images, another number of images than before, or values other than 0 and 1.
        """
        answers = np.asarray(right)
        if answers.ndim != 1 or not len(answers) or not np.isin(answers, (0, 1)).all():
            raise UsageError(
                f"a look at {split!r} needs for each image whether it is right, (n,) of 0 and 1; got {_told(answers)}"
            )
        known = self.right.setdefault(split, {})
        size = len(next(iter(known.values()), answers))
        if len(answers) != size:
            raise UsageError(f"split {split!r} had {size} images and now has {len(answers)}; give each split one name")
        known[candidate] = answers.astype(bool)
        self.counts[split] = self.counts.get(split, 0) + 1
        return self.accuracy(split, candidate)

    def accuracy(self, split: str, candidate: str) -> float:
        """What was seen when a candidate was last looked at.

        Raises:
            UsageError: it never was.
        """
        return float(self._answers(split, candidate).mean())

    def choose(self, what: str, split: str, among: Sequence[str] | None = None) -> str:
        """Take the candidate with the best accuracy on a split, the first of equals, and note it.

        Args:
            what: is chosen, such as ``learning rate``.
            split: by which.
            among: candidates; all that the split has seen, if not given.

        Raises:
            UsageError: none to choose from, or one that was never looked at.
        """
        names = tuple(self.right.get(split, {}) if among is None else among)
        if not names:
            raise UsageError(f"there is nothing to choose {what} from: no candidate was looked at on {split!r}")
        best = max(names, key=lambda name: self.accuracy(split, name))
        self.chose(what, split, best, names)
        return best

    def chose(self, what: str, split: str, chosen: str, among: Sequence[str]) -> None:
        """Note a choice that was made by something else than accuracy, such as the loss on the same images.

        The optimism is foreseen as if the accuracy had chosen, which is the more optimistic.

        Raises:
            UsageError: a candidate that was never looked at on this split.
        """
        for name in (chosen, *among):
            self._answers(split, name)
        self.choices.append(Choice(what, split, chosen, tuple(among)))

    def report(self, split: str, candidate: str) -> float:
        """Note that the accuracy of a candidate on a split is what is published, and return it.

        Raises:
            UsageError: it was never looked at.
        """
        accuracy = self.accuracy(split, candidate)
        self.reports.append((split, candidate))
        return accuracy

    def reused(self, *, draws: int = 20_000, seed: int = 0) -> tuple[Reuse, ...]:
        """The reported splits that something was chosen on, each with the optimism to expect.

        Args:
            draws: simulated selections.
            seed: of the simulation.
        """
        found = []
        for split, candidate in dict.fromkeys(self.reports):
            choices = tuple(c for c in self.choices if c.split == split)
            if not choices:
                continue
            names = tuple(dict.fromkeys(name for choice in choices for name in choice.among))
            right = self.right[split]
            r = correlation(right[candidate], [right[name] for name in names if name != candidate])
            n, reported = len(right[candidate]), self.accuracy(split, candidate)
            each = [self.accuracy(split, name) for name in names]
            apart = optimism(n, each, correlation=r, draws=draws, seed=seed)
            alike = optimism(n, [reported] * len(names), correlation=r, draws=draws, seed=seed)
            found.append(Reuse(split, choices, len(names), n, reported, r, apart, alike))
        return tuple(found)

    def finding(self, *, draws: int = 20_000, seed: int = 0) -> Finding:
        """The ledger judged: a warning where a reported split has chosen something."""
        reused = self.reused(draws=draws, seed=seed)
        looks = "; ".join(f"{split} {count}" for split, count in self.counts.items())
        rows = tuple((c.what, c.split, len(c.among), c.chosen) for c in self.choices)
        table = Table("What was chosen, and by what", ("chosen", "on", "candidates", "taken"), rows)
        evidence = (table,) if rows else ()
        if not reused:
            text = f"Looks: {looks}. No reported split has chosen anything."
            return Finding(NAME, "ok", "The reported split chose nothing", text, evidence=evidence)
        return Finding(
            NAME,
            "warning",
            f"Chosen on a split that is reported: {', '.join(dict.fromkeys(r.split for r in reused))}",
            f"Looks: {looks}. " + " ".join(_said(r) for r in reused),
            measured=_measured(reused),
            remedy="Choose on another split and look at this one once; or report the accuracy on images that chose "
            "nothing, and this one as optimistic.",
            evidence=evidence,
            reference="Cawley and Talbot 2010, JMLR 11:2079-2107.",
        )

    def _answers(self, split: str, candidate: str) -> NDArray[np.bool_]:
        if split not in self.right:
            raise unknown("split that was looked at", split, self.right)
        if candidate not in self.right[split]:
            raise unknown(f"candidate that was looked at on {split!r}", candidate, self.right[split])
        return self.right[split][candidate]


def correlation(one: NDArray[np.bool_], others: Sequence[NDArray[np.bool_]]) -> float:
    """The mean correlation (phi) of right answers with those of the better half of other candidates, not below 0.

    Only a candidate that is nearly as good can be chosen by luck, and good candidates agree more than bad ones. One
    that is right everywhere or nowhere says nothing and is left out; 0 if none is left.

    >>> right = np.array([True, True, False, False])
    >>> round(correlation(right, [~right & False, right, right]), 4), correlation(right, [])
    (1.0, 0.0)
    """
    if one.all() or not one.any():
        return 0.0
    better = sorted(others, key=lambda other: -int(other.sum()))[: (len(others) + 1) // 2]
    found = [float(np.corrcoef(one, other)[0, 1]) for other in better if other.any() and not other.all()]
    return max(0.0, float(np.mean(found))) if found else 0.0


def _said(reuse: Reuse) -> str:
    what = " and ".join(dict.fromkeys(choice.what for choice in reuse.choices))
    return (
        f"The {what} was chosen on {reuse.split}, among {reuse.candidates} candidates, and {reuse.split} is reported: "
        f"expect its {reuse.reported:.1%} of {reuse.images:,} images to be too good, by {100 * reuse.apart.mean:.2f} "
        f"points if the candidates differ as much as they seem to and by {100 * reuse.alike.mean:.2f} if they are "
        f"equally good (correlation of their answers {reuse.correlation:.2f})."
    )


def _measured(reused: Sequence[Reuse]) -> Mapping[str, float]:
    return {
        name: value
        for r in reused
        for name, value in (
            (f"{r.split}_reported", r.reported),
            (f"{r.split}_candidates", float(r.candidates)),
            (f"{r.split}_excess_apart_points", 100 * r.apart.mean),
            (f"{r.split}_excess_alike_points", 100 * r.alike.mean),
        )
    }


def _told(answers: NDArray[Any]) -> str:
    return f"{answers.dtype} of shape {answers.shape}"
