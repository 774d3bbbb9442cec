"""The exam's two ways to choose, each with its ledger, and what they reported over many splits."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from snellen.training.looks import Looks, correlation
from snellen.training.optimism import optimism

DRAWS = 4_000
"""Simulated selections for each split."""


@dataclass(frozen=True)
class Mean:
    """A mean over splits with its 95 % interval by Student's t."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> "Mean":
        """Of at least two values.

        >>> Mean.of(np.array([0.0, 2.0])).value
        1.0
        """
        n = len(values)
        half = float(student.ppf(0.975, n - 1) * values.std(ddof=1) / math.sqrt(n))
        return cls(float(values.mean()), float(values.mean()) - half, float(values.mean()) + half)


@dataclass(frozen=True, eq=False)
class Split:
    """What the networks of one split got right.

    Attributes:
        seed: of the split, the start and the order.
        val: (epochs, rates, n).
        test: (rates, n), the best epoch of each rate.
        fresh: (rates, n), likewise, on images that chose nothing.
    """

    seed: int
    val: NDArray[np.bool_]
    test: NDArray[np.bool_]
    fresh: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Protocol:
    """One way to choose, over all splits.

    Attributes:
        name: as the exam calls it.
        ledger: of the first split.
        chosen: (s,) the rate that was taken, by its place.
        reported: (s,) accuracy on the test part.
        fresh: (s,) accuracy of the same network on the untouched images.
        val: (s,) its accuracy on the validation part.
    """

    name: str
    ledger: Looks
    chosen: NDArray[np.int64]
    reported: NDArray[np.float64]
    fresh: NDArray[np.float64]
    val: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Selected:
    """What the study computed.

    Attributes:
        rates: learning rates.
        first: option 1, the rate by the test part.
        second: option 2, the rate by the validation part.
        val: (s, rates) accuracy at the best epoch.
        test: (s, rates).
        fresh: (s, rates).
        images: of the test part.
        correlation: of right answers between networks with different rates, on the untouched images.
        simulated: expected excess of option 1, simulated with the accuracies on the untouched images.
        simulated_error: its standard error.
        alike: the same if all rates were equally good.
    """

    rates: tuple[float, ...]
    first: Protocol
    second: Protocol
    val: NDArray[np.float64]
    test: NDArray[np.float64]
    fresh: NDArray[np.float64]
    images: int
    correlation: float
    simulated: float
    simulated_error: float
    alike: float

    def excess(self, protocol: Protocol) -> Mean:
        """Reported less true."""
        return Mean.of(protocol.reported - protocol.fresh)

    def adjusted(self, protocol: Protocol) -> Mean:
        """The excess less how easy the test part of each split happens to be.

        That is the mean over all rates of test less untouched accuracy. It chooses nothing, so it is 0 on average, and
        taking it off leaves the mean where it is and makes the interval narrower.
        """
        easy = (self.test - self.fresh).mean(1)
        return Mean.of(protocol.reported - protocol.fresh - easy)


def judge(rates: tuple[float, ...], splits: Sequence[Split]) -> Selected:
    """Choose both ways on every split."""
    names = [f"rate {rate:g}" for rate in rates]
    fresh = np.stack([s.fresh.mean(1) for s in splits])
    both = [_protocol(names, splits, by_test=by_test) for by_test in (True, False)]
    first, second = both
    r = float(
        np.mean(
            [
                correlation(s.fresh[c], [row for i, row in enumerate(s.fresh) if i != c])
                for s, c in zip(splits, second.chosen, strict=True)
            ]
        )
    )
    images = splits[0].test.shape[1]
    found = [optimism(images, p, correlation=r, draws=DRAWS, seed=s.seed) for p, s in zip(fresh, splits, strict=True)]
    middle = float(second.fresh.mean())
    return Selected(
        rates,
        first,
        second,
        np.stack([s.val.mean(2).max(0) for s in splits]),
        np.stack([s.test.mean(1) for s in splits]),
        fresh,
        images,
        r,
        float(np.mean([f.mean for f in found])),
        math.sqrt(sum(f.error**2 for f in found)) / len(found),
        optimism(images, [middle] * len(rates), correlation=r, seed=splits[0].seed).mean,
    )


def _protocol(names: list[str], splits: Sequence[Split], *, by_test: bool) -> Protocol:
    ledgers, chosen, reported, fresh, val = [], [], [], [], []
    for split in splits:
        looks, taken = choose(names, split, by_test=by_test)
        (where, name), place = looks.reports[0], names.index(taken.partition(",")[0])
        ledgers.append(looks)
        chosen.append(place)
        reported.append(looks.accuracy(where, name))
        fresh.append(float(split.fresh[place].mean()))
        val.append(looks.accuracy("val", taken))
    return Protocol(
        "option 1" if by_test else "option 2",
        ledgers[0],
        np.array(chosen),
        np.array(reported),
        np.array(fresh),
        np.array(val),
    )


def choose(names: list[str], split: Split, *, by_test: bool) -> tuple[Looks, str]:
    """One choice, with every look in a ledger: the best epoch of each rate by ``val``, then the rate."""
    looks, best = Looks(), []
    for place, name in enumerate(names):
        epochs = [f"{name}, epoch {epoch}" for epoch in range(1, len(split.val) + 1)]
        for candidate, right in zip(epochs, split.val[:, place], strict=True):
            looks.look("val", candidate, right)
        best.append(looks.choose("epoch", "val", epochs))
    if by_test:
        for candidate, right in zip(best, split.test, strict=True):
            looks.look("test", candidate, right)
    taken = looks.choose("learning rate", "test" if by_test else "val", best)
    if not by_test:
        looks.look("test", taken, split.test[best.index(taken)])
    looks.report("test", taken)
    return looks, taken
