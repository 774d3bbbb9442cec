"""Ways to add up the cross-entropy of N samples, on plain numbers, and how many operations each takes.

As the exam counts: a logarithm, an addition, a subtraction, a product, a sign and a test are one operation each;
taking a coordinate is none.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import add, mul
from typing import Any, TypeAlias

Rows: TypeAlias = Sequence[Sequence[Any]]
Log: TypeAlias = Callable[[Any], Any]


def definition(z: Rows, y: Rows, log: Log = math.log) -> Any:
    """-sum y_i ln z_i, written out: both logarithms, both products."""
    total: Any = 0.0
    for z_n, y_n in zip(z, y, strict=True):
        total -= y_n[0] * log(z_n[0]) + y_n[1] * log(z_n[1])
    return total


def branched(z: Rows, y: Rows, log: Log = math.log) -> Any:
    """One logarithm, chosen by a test."""
    total: Any = 0.0
    for z_n, y_n in zip(z, y, strict=True):
        total -= log(z_n[0]) if y_n[0] == 1 else log(z_n[1])
    return total


def indexed(z: Rows, y: Rows, log: Log = math.log) -> Any:
    """One logarithm, chosen by an index: of a one-hot label for two classes, y_1 is the class."""
    total: Any = 0.0
    for z_n, y_n in zip(z, y, strict=True):
        total -= log(z_n[int(y_n[1])])
    return total


def one_line(z: Rows, y: Rows, log: Log = math.log) -> Any:
    """The same in one line: N logarithms, N - 1 additions, one sign."""
    return -reduce(add, (log(z_n[int(y_n[1])]) for z_n, y_n in zip(z, y, strict=True)))


def one_logarithm(z: Rows, y: Rows, log: Log = math.log) -> Any:
    """-ln of the product: N - 1 products, one logarithm, one sign. Fewer, but the product becomes 0."""
    return -log(reduce(mul, (z_n[int(y_n[1])] for z_n, y_n in zip(z, y, strict=True))))


WAYS: Mapping[str, Callable[..., Any]] = {
    "definition, written out": definition,
    "one logarithm, by a test": branched,
    "plain loop with an index": indexed,
    "one line of Python": one_line,
    "logarithm of the product": one_logarithm,
}


@dataclass
class Tally:
    """Counts what is done with the numbers that it gives out."""

    operations: int = 0

    def number(self, value: float) -> "Counted":
        """A number whose operations are counted here."""
        return Counted(float(value), self)

    def log(self, of: "Counted") -> "Counted":
        """A natural logarithm, counted."""
        self.operations += 1
        return self.number(math.log(of.value))


@dataclass(frozen=True, eq=False)
class Counted:
    """A number that reports each operation to its tally. Its use as an index is none."""

    value: float
    tally: Tally = field(repr=False)

    def _done(self, value: float) -> "Counted":
        self.tally.operations += 1
        return self.tally.number(value)

    def __add__(self, other: Any) -> "Counted":
        return self._done(self.value + float(other))

    def __radd__(self, other: Any) -> "Counted":
        return self._done(float(other) + self.value)

    def __sub__(self, other: Any) -> "Counted":
        return self._done(self.value - float(other))

    def __rsub__(self, other: Any) -> "Counted":
        return self._done(float(other) - self.value)

    def __mul__(self, other: Any) -> "Counted":
        return self._done(self.value * float(other))

    __rmul__ = __mul__

    def __neg__(self) -> "Counted":
        return self._done(-self.value)

    def __eq__(self, other: object) -> bool:
        self.tally.operations += 1
        return self.value == other

    __hash__ = None  # type: ignore[assignment]

    def __float__(self) -> float:
        return self.value

    def __int__(self) -> int:
        return int(self.value)


def count(way: Callable[..., Any], z: Rows, y: Rows) -> tuple[float, int]:
    """The cross-entropy by one of the ways, and the operations that it took.

    Args:
        way: one of :data:`WAYS`.
        z: (n, 2) stochastic rows.
        y: (n, 2) one-hot rows.

    >>> count(indexed, [(0.5, 0.5), (0.25, 0.75)], [(1, 0), (0, 1)])[1]
    4
    """
    tally = Tally()
    numbers = [[tally.number(value) for value in row] for row in z]
    labels = [[tally.number(value) for value in row] for row in y]
    return float(way(numbers, labels, tally.log)), tally.operations
