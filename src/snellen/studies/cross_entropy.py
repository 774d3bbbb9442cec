"""What a cross-entropy is, what it costs, and what a penalty on the output makes of its minimum."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from snellen._errors import UsageError
from snellen.findings.finding import Finding
from snellen.instruments.losses.cross_entropy import cross_entropy
from snellen.instruments.losses.minimum import PENALTIES, Penalty, minimum, searched
from snellen.studies._base import Progress, Study, silent
from snellen.studies._cross_entropy_findings import findings
from snellen.studies._crowd import newborn, train
from snellen.studies._digits import COUNT, features
from snellen.studies._operations import WAYS, count
from snellen.studies._regularised import Least, Regularised, Sum, Trained, best

HIDDEN, BATCH, RATE, HELD_OUT = 32, 256, 0.3, 500


@dataclass(frozen=True)
class CrossEntropy(Study[Regularised]):
    """Regularised cross-entropy: its one term, its 2 N operations, where it is least, and what that does to confidence.

    CE(z; y) = -ln z_c for a one-hot y of class c. With |z|_2^2 added, the best stochastic vector of two classes is no
    longer (1, 0) but has z_0 = (1 + sqrt 5)/4: a network that is right is held to 0.809. Each minimum is given in
    closed form and found by a search that knows no formula; digits are learnt with the penalty on the probabilities,
    and what the networks say is put beside the formula.

    Args:
        samples: to add up when operations are counted, at least 1.
        steps: of gradient descent on the logits of one sample.
        strengths: of the penalty, for the networks that are trained; 0 is none.
        epochs: of their training.

    Raises:
        UsageError: a setting below 1, or a strength below 0.

    Example:
        >>> from snellen.studies.cross_entropy import CrossEntropy
        >>> found = CrossEntropy(steps=10, epochs=1).run()
        >>> round(found.of("l2", stochastic=True).formula.z[0], 3)
        0.809

    Reference: FYS-3033 home exam 2022, problem 1; Pereyra et al. 2017, Regularizing neural networks by penalizing
    confident output distributions, https://arxiv.org/abs/1701.06548.
    """

    title: ClassVar[str] = "Regularised cross-entropy"
    samples: int = 100
    steps: int = 10_000
    strengths: tuple[float, ...] = (0.0, 0.5, 1.0, 2.0, 5.0)
    epochs: int = 80

    def __post_init__(self) -> None:
        if min(self.samples, self.steps, self.epochs) < 1:
            raise UsageError(
                f"samples, steps and epochs must be 1 or more, got {self.samples}, {self.steps} and {self.epochs}"
            )
        if not self.strengths or not all(0 <= s < math.inf for s in self.strengths):
            raise UsageError(f"strengths must be numbers of at least 0, got {self.strengths}")

    def run(self, *, seed: int = 0, progress: Progress = silent) -> Regularised:
        """Count, minimise, search, train."""
        generator = np.random.default_rng(seed)
        first = generator.uniform(0.01, 0.99, self.samples)
        z = np.stack([first, 1 - first], 1)
        y = np.eye(2, dtype=np.int64)[generator.integers(0, 2, self.samples)]
        sums = [Sum(name, *count(way, z.tolist(), y.tolist())) for name, way in WAYS.items()]
        least = [
            Least(p, stochastic, minimum(p, stochastic=stochastic), searched(p, stochastic=stochastic))
            for stochastic in (True, False)
            for p in PENALTIES
        ]
        return Regularised(
            self.samples,
            tuple(sums),
            vanishing(0.5),
            tuple((row, refusal(row)) for row in ((8.0, 2.0), (80.0, 20.0), (1.0, 1000.0), (1.5, -0.5))),
            tuple(least),
            {p: path(p, self.steps) for p in PENALTIES},
            self._trained(seed, progress),
        )

    def findings(self, result: Regularised) -> tuple[Finding, ...]:
        """One for each question of the exam, and one for the networks."""
        return findings(result)

    def about(self) -> dict[str, Any]:
        """The losses, and what was trained."""
        return {
            "losses": "−ln z₀, −ln z₀ + ‖z‖₂², −ln z₀ + ‖z‖₁",
            "networks": f"64-{HIDDEN}-10 on digits, {self.epochs} epochs, one for each of {len(self.strengths)} "
            "strengths",
        }

    def _trained(self, seed: int, progress: Progress) -> tuple[Trained, ...]:
        inputs, labels = features()
        order = torch.randperm(COUNT, generator=torch.Generator().manual_seed(seed))
        held, rows = order[:HELD_OUT], order[HELD_OUT:]
        m = len(self.strengths)
        starts = torch.full((m,), seed)
        courses = train(
            newborn(starts, inputs=inputs.shape[1], hidden=HIDDEN, classes=10),
            inputs[rows].expand(m, -1, -1),
            labels[rows].expand(m, -1),
            rates=torch.full((m,), RATE, dtype=torch.float64),
            starts=starts,
            epochs=self.epochs,
            batch=BATCH,
            penalties=torch.tensor(self.strengths, dtype=torch.float64),
        )
        for epoch, crowd in enumerate(courses, 1):  # noqa: B007  the last one is what is wanted
            progress("training", epoch, self.epochs)
        said = crowd.scores(inputs[rows].expand(m, -1, -1)).softmax(-1)[:, torch.arange(len(rows)), labels[rows]]
        right = crowd.scores(inputs[held].expand(m, -1, -1)).argmax(-1) == labels[held]
        return tuple(
            Trained(s, best(s, classes=10), said[i].numpy(), right[i].double().mean().item())
            for i, s in enumerate(self.strengths)
        )


def vanishing(probability: float) -> int:
    """So many factors of this probability have a product that is 0 in floating point.

    >>> vanishing(0.5)
    1075
    """
    product, factors = 1.0, 0
    while product:
        product, factors = product * probability, factors + 1
    return factors


def refusal(row: tuple[float, float]) -> str:
    """What is said to a vector that is not stochastic, labelled with the first class."""
    try:
        cross_entropy(row, (1, 0))
    except UsageError as error:
        return str(error)
    raise UsageError(f"{row} is stochastic")


def path(penalty: Penalty, steps: int) -> NDArray[np.float64]:
    """Probability of the true class of two, after 0, 1 ... steps of gradient descent with rate 1 on the logits (d, 0).

    With p = 1/(1 + e^-d), the slope of -ln p in d is -(1 - p); that of p^2 + (1 - p)^2 is (4 p - 2) p (1 - p); that of
    |z|_1 = 1 is 0.

    >>> path("none", 1).round(3).tolist()
    [0.5, 0.622]
    """
    d, found = 0.0, np.empty(steps + 1)
    for step in range(steps + 1):
        p = 1 / (1 + math.exp(-d))
        found[step] = p
        d += (1 - p) - (penalty == "l2") * (4 * p - 2) * p * (1 - p)
    return found
