"""What attacks on four victims came to, in the words of the exam's question."""

from dataclasses import dataclass

from snellen.findings.evidence import Cell, Table
from snellen.findings.finding import Finding
from snellen.findings.interval import wilson

METHODS = {
    "carlini_wagner": "Carlini-Wagner",
    "bim": "iterated gradient sign",
    "surrogate": "surrogate",
    "square": "Square (black box)",
}


@dataclass(frozen=True)
class Attempt:
    """One attack on one victim.

    Attributes:
        victim: its name.
        method: the attack's.
        fooled: images that were right before; None where the attack cannot be made.
        right: images that were right before.
        asked: forwards and gradients of the victim an image, the base's own judging among them.
    """

    victim: str
    method: str
    fooled: int | None
    right: int
    asked: float | None

    @property
    def share(self) -> float | None:
        """Of the images that were right."""
        return None if self.fooled is None else self.fooled / max(self.right, 1)


@dataclass(frozen=True)
class Compared:
    """All attempts.

    Attributes:
        attempts: victims times methods.
        victims: their names.
        levels: the budget, Linf.
        images: attacked.
        taught: images whose answers the surrogates learnt from.
    """

    attempts: tuple[Attempt, ...]
    victims: tuple[str, ...]
    levels: int
    images: int
    taught: int

    def at(self, victim: str, method: str) -> Attempt:
        """One attempt."""
        return next(a for a in self.attempts if (a.victim, a.method) == (victim, method))

    def best_white(self, victim: str) -> float:
        """The larger share of the two attacks by the victim's own slopes."""
        return max(self.at(victim, method).share or 0.0 for method in ("carlini_wagner", "bim"))

    @property
    def advantages(self) -> tuple[str, ...]:
        """Victims that the surrogate fools more often than both, beyond both 95 % intervals."""
        found = []
        for victim in self.victims:
            own = self.at(victim, "surrogate")
            white = self.best_white(victim)
            low, _ = wilson(own.fooled or 0, own.right)
            _, high = wilson(white * own.right, own.right)
            if low > high:
                found.append(victim)
        return tuple(found)


def findings(found: Compared) -> tuple[Finding, ...]:
    """One finding: where the surrogate wins, and where it does not."""
    won = found.advantages
    lines = []
    for victim in found.victims:
        own = found.at(victim, "surrogate").share or 0.0
        possible = found.at(victim, "bim").fooled is not None
        white = f"the better white-box attack {found.best_white(victim):.1%}" if possible else "no white-box attack"
        lines.append(f"{victim}: surrogate {own:.1%}, {white}")
    measured: dict[str, float] = {}
    for attempt in found.attempts:
        name = f"{attempt.victim.replace(' ', '_')}_{attempt.method}"
        if attempt.fooled is not None and attempt.share is not None and attempt.asked is not None:
            low, high = wilson(attempt.fooled, attempt.right)
            measured |= {name: attempt.share, f"{name}_low": low, f"{name}_high": high, f"{name}_asked": attempt.asked}
    return (
        Finding(
            "study/surrogates",
            "info",
            "A surrogate has the advantage where the victim's own slope is missing, flat or out of reach",
            f"Share of {found.images} digits fooled within {found.levels} levels of 255. {'; '.join(lines)}. "
            + (f"The surrogate fools more for: {', '.join(won)}." if won else "The surrogate fools more for none."),
            measured=measured,
            evidence=(_table(found), _cost(found)),
            reference="IN5400 exam 2021, exercise 6a; Papernot et al. 2017, arXiv:1602.02697",
        ),
    )


def _table(found: Compared) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for victim in found.victims:
        cells: list[Cell] = []
        for method in METHODS:
            attempt = found.at(victim, method)
            if attempt.fooled is None:
                cells.append("cannot be made")
                continue
            low, high = wilson(attempt.fooled, attempt.right)
            cells.append(f"{attempt.share:.1%} ({low:.1%} to {high:.1%})")
        rows.append((victim, found.at(victim, "surrogate").right, *cells))
    note = "Of the images that the victim gets right; 95 % Wilson intervals. Judged on the victim's real answers."
    return Table("Fooled", ("victim", "right", *METHODS.values()), tuple(rows), note=note)


def _cost(found: Compared) -> Table:
    rows = tuple((victim, *(found.at(victim, method).asked for method in METHODS)) for victim in found.victims)
    return Table(
        "Forwards and gradients of the victim, an image",
        ("victim", *METHODS.values()),
        rows,
        note=f"The surrogate was taught by {found.taught} more answers, once, for any number of images.",
    )
