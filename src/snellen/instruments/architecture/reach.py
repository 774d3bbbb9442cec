"""From the outputs of an operation to the inputs that each of them reads, along one axis, for every integer."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm
from typing import Self

from snellen.instruments.architecture.operations import Window


@dataclass(frozen=True)
class Reach:
    """Output u reads the inputs first(u) ... last(u), where first(u + q) = first(u) + advance for a period q.

    A convolution has period 1 and advances by its stride; a transposed convolution has its stride for a period and
    advances by 1. Chains of both are of this form again, so they are followed exactly.

    Args:
        advance: inputs from an output to the one a period later.
        first: of the outputs 0 ... q - 1.
        last: likewise.

    >>> up = Reach.of(Window(kernel=3, stride=2, padding=1, transposed=True))
    >>> down = Reach.of(Window(kernel=3, stride=2))
    >>> up.at(0), up.at(1), down.after(up).at(1)
    ((0, 0), (0, 1), (1, 2))
    """

    advance: int
    first: tuple[int, ...]
    last: tuple[int, ...]

    @classmethod
    def of(cls, window: Window) -> Self:
        """That of a window."""
        k, s, p = (window.kernel - 1) * window.dilation, window.stride, window.padding
        if not window.transposed:
            return cls(s, (-p,), (k - p,))
        return cls(1, tuple(-((k - u - p) // s) for u in range(s)), tuple((u + p) // s for u in range(s)))

    @classmethod
    def scaled(cls, inputs: int, outputs: int, reads: Callable[[Fraction], tuple[int, int]]) -> Self:
        """That of a resize or an adaptive pooling; ``reads`` is given u * inputs / outputs."""
        shared = gcd(inputs, outputs)
        pairs = [reads(Fraction(u * inputs, outputs)) for u in range(outputs // shared)]
        return cls(inputs // shared, tuple(a for a, _ in pairs), tuple(b for _, b in pairs))

    @classmethod
    def constant(cls, first: int, last: int) -> Self:
        """Every output reads the same inputs."""
        return cls(0, (first,), (last,))

    @classmethod
    def block(cls, extent: int, step: int, *, whole: bool) -> Self:
        """Every output reads all that differ from it in one digit: u = a * extent * step + digit * step + b.

        With ``whole`` there is no a.
        """
        if whole:
            return cls(0, tuple(range(step)), tuple(b + (extent - 1) * step for b in range(step)))
        first = tuple(j % step for j in range(extent * step))
        return cls(extent * step, first, tuple(b + (extent - 1) * step for b in first))

    @property
    def period(self) -> int:
        """q."""
        return len(self.first)

    @property
    def stride(self) -> Fraction:
        """Inputs from one output to the next, in the mean over a period."""
        return Fraction(self.advance, self.period)

    @property
    def sizes(self) -> tuple[int, int]:
        """The fewest and the most inputs that an output reads."""
        sizes = [b - a + 1 for a, b in zip(self.first, self.last, strict=True)]
        return max(min(sizes), 0), max(sizes)

    @property
    def centre(self) -> Fraction:
        """The middle of what output 0 reads, in the mean over a period of what the stride predicts for it."""
        q = self.period
        middles = sum(self.first) + sum(self.last)
        return Fraction(middles, 2 * q) - self.stride * Fraction(q - 1, 2)

    def at(self, output: int) -> tuple[int, int]:
        """The first and the last input that an output reads."""
        turns, phase = divmod(output, self.period)
        return self.first[phase] + turns * self.advance, self.last[phase] + turns * self.advance

    def after(self, earlier: "Reach") -> "Reach":
        """This operation after an earlier one: from its outputs to the inputs of the earlier."""
        if self.period == earlier.period == 1:
            a = earlier.advance
            return Reach(
                self.advance * a, (earlier.first[0] + self.first[0] * a,), (earlier.last[0] + self.last[0] * a,)
            )
        turns = earlier.period // gcd(earlier.period, self.advance)
        pairs = [self.at(u) for u in range(self.period * turns)]
        advance = self.advance * turns * earlier.advance // earlier.period
        first, last = tuple(earlier.at(a)[0] for a, _ in pairs), tuple(earlier.at(b)[1] for _, b in pairs)
        if advance == 0 and len(set(first)) == len(set(last)) == 1:
            return Reach(0, first[:1], last[:1])
        return Reach(advance, first, last)

    def joined(self, other: "Reach") -> "Reach":
        """What either reads; both must have the same stride."""
        if self == other:
            return self
        q = lcm(self.period, other.period)
        mine, theirs = [self.at(u) for u in range(q)], [other.at(u) for u in range(q)]
        both = list(zip(mine, theirs, strict=True))
        advance = self.advance * (q // self.period)
        return Reach(advance, tuple(min(a[0], b[0]) for a, b in both), tuple(max(a[1], b[1]) for a, b in both))
