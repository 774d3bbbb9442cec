"""What may be chosen on which split: the exam's two protocols side by side."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from snellen._errors import UsageError
from snellen.findings.finding import Finding
from snellen.studies._base import Progress, Study, silent
from snellen.studies._crowd import Crowd, newborn, train
from snellen.studies._digits import COUNT, features
from snellen.studies._protocols import Selected, Split, judge
from snellen.studies._selection_findings import findings

HIDDEN, BATCH = 32, 32


@dataclass(frozen=True)
class Selection(Study[Selected]):
    """The epoch by validation, the learning rate by test or by validation too: what is reported, and what is true.

    Option 1 of the exam takes the best epoch on the validation part and the best learning rate on the test part;
    option 2 takes both on the validation part. Networks are trained with every learning rate on a small part of the
    digits, both options choose among the same networks, and what each reports on the test part is held against the
    accuracy on all digits that were put aside untouched. A ledger counts the looks and finds what was chosen on a part
    that is reported; the excess is simulated for this test size, these accuracies and this many looks.

    Args:
        seeds: repetitions with another split, start and order, at least 2.
        rates: learning rates to choose from, at least 2.
        epochs: to choose from.
        train: images to learn.
        val: images of the validation part.
        test: images of the test part; the rest of the 1,797 digits stays untouched.

    Raises:
        UsageError: too few of anything, a rate that is not above 0, or fewer than 100 digits left untouched.

    Example:
        >>> from snellen.studies.selection import Selection
        >>> found = Selection(seeds=2, rates=(0.01, 0.1), epochs=2).run()
        >>> found.first.ledger.counts, found.second.ledger.counts
        ({'val': 4, 'test': 2}, {'val': 4, 'test': 1})

    Reference: IN5400 exam 2021, exercise 2c; Cawley and Talbot 2010, On over-fitting in model selection and subsequent
    selection bias in performance evaluation, JMLR 11:2079-2107.
    """

    title: ClassVar[str] = "What may be chosen on which split"
    seeds: int = 200
    rates: tuple[float, ...] = (0.02, 0.03, 0.05, 0.08, 0.12, 0.2, 0.3, 0.5)
    epochs: int = 20
    train: int = 200
    val: int = 100
    test: int = 100

    def __post_init__(self) -> None:
        if self.seeds < 2 or len(set(self.rates)) < 2 or len(set(self.rates)) != len(self.rates):
            raise UsageError(
                f"a comparison needs at least 2 seeds and 2 different learning rates, got {self.seeds} and {self.rates}"
            )
        if not all(0 < rate < math.inf for rate in self.rates):
            raise UsageError(f"learning rates must be numbers above 0, got {self.rates}")
        if min(self.epochs, self.train, self.val, self.test) < 1:
            raise UsageError(
                "epochs and the parts must be at least 1, got "
                f"epochs={self.epochs}, train={self.train}, val={self.val}, test={self.test}"
            )
        if self.untouched < 100:
            raise UsageError(
                f"at least 100 of the {COUNT:,} digits must stay untouched to know what is true; train, val and test "
                f"take {self.train + self.val + self.test}"
            )

    @property
    def untouched(self) -> int:
        """Digits that are in no part."""
        return COUNT - self.train - self.val - self.test

    def run(self, *, seed: int = 0, progress: Progress = silent) -> Selected:
        """Train with every rate and seed, choose both ways, compare with the untouched digits."""
        inputs, labels = features()
        starts = [seed * 10_007 + i for i in range(self.seeds)]
        orders = torch.stack([torch.randperm(COUNT, generator=torch.Generator().manual_seed(s)) for s in starts])
        taught, val, test, fresh = orders.split([self.train, self.val, self.test, self.untouched], dim=1)
        each = len(self.rates)
        crowd_starts = torch.tensor(starts).repeat_interleave(each)

        def right(crowd: Crowd, rows: Tensor) -> Tensor:
            """(m, n): whether each network is right about the images of its seed."""
            many = rows.repeat_interleave(each, dim=0)
            return crowd.scores(inputs[many]).argmax(-1) == labels[many]

        kept = newborn(crowd_starts, inputs=inputs.shape[1], hidden=HIDDEN, classes=10)
        best = torch.full((len(crowd_starts),), -1)
        seen: list[Tensor] = []
        courses = train(
            kept,
            inputs[taught.repeat_interleave(each, dim=0)],
            labels[taught.repeat_interleave(each, dim=0)],
            rates=torch.tensor(self.rates, dtype=torch.float64).repeat(self.seeds),
            starts=crowd_starts,
            epochs=self.epochs,
            batch=BATCH,
        )
        for epoch, crowd in enumerate(courses, 1):
            seen.append(right(crowd, val))
            count = seen[-1].sum(1)
            kept = crowd.where(count > best, kept)
            best = best.maximum(count)
            progress("training", epoch, self.epochs)
        splits = []
        for i, start in enumerate(starts):
            mine = slice(i * each, (i + 1) * each)
            part = Crowd(tuple(w[mine] for w in kept.weights))  # type: ignore[arg-type]  # four of them
            splits.append(
                Split(
                    start,
                    _array(torch.stack(seen)[:, mine]),
                    _array(right(part, test[i : i + 1])),
                    _array(right(part, fresh[i : i + 1])),
                )
            )
            progress("choosing", i + 1, self.seeds)
        return judge(self.rates, splits)

    def findings(self, result: Selected) -> tuple[Finding, ...]:
        """What the ledger says, the two options side by side, and the optimism by simulation."""
        return findings(result)

    def about(self) -> dict[str, Any]:
        """What was trained on what."""
        return {
            "images": f"scikit-learn digits, {self.train} to learn, {self.val} validation, {self.test} test, "
            f"{self.untouched:,} untouched",
            "networks": f"64-{HIDDEN}-10, SGD with momentum 0.9, {self.epochs} epochs",
            "learning rates": ", ".join(f"{rate:g}" for rate in self.rates),
            "repetitions": self.seeds,
        }


def _array(right: Tensor) -> NDArray[np.bool_]:
    return np.asarray(right.numpy())
