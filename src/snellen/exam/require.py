"""Bounds on measured numbers: the way to gate a network in CI."""

import operator
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from snellen._errors import UsageError, unknown

COMPARISONS = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "==": operator.eq,
}
FORM = re.compile(r"\s*([A-Za-z_][\w.]*)\s*(>=|<=|==|>|<)\s*([-+]?[\d.]+(?:[eE][-+]?\d+)?)\s*(%?)\s*")


@dataclass(frozen=True)
class Bound:
    """``name comparison value``, such as ``accuracy >= 0.9`` or ``accuracy >= 90%``."""

    name: str
    comparison: str
    value: float

    def __str__(self) -> str:
        short = f"{self.value:g}"
        return f"{self.name} {self.comparison} {short if float(short) == self.value else repr(self.value)}"

    def holds(self, measured: Mapping[str, float]) -> bool:
        """Whether the measured number meets the bound; a number that was not measured does not."""
        return self.name in measured and bool(COMPARISONS[self.comparison](measured[self.name], self.value))


def read_bound(text: str, known: Iterable[str]) -> Bound:
    """A bound from its text.

    >>> read_bound("accuracy >= 90%", ["accuracy"])
    Bound(name='accuracy', comparison='>=', value=0.9)

    Raises:
        UsageError: not of the form ``name >= number``, or a name that this examination does not measure.
    """
    match = FORM.fullmatch(text)
    try:
        name, comparison, number, percent = match.groups()  # type: ignore[union-attr]  # None ends in the except
        value = float(number) / (100 if percent else 1)
    except (AttributeError, ValueError):
        raise UsageError(f"a bound must read like 'accuracy >= 0.9' (with >=, <=, >, < or ==), got {text!r}") from None
    if name not in set(known):
        raise unknown("measured number in this examination", name, known)
    return Bound(name, comparison, value)
