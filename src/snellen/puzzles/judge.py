"""How often a solver is right, measured on puzzles whose permutation is known."""

from dataclasses import dataclass

from jaxtyping import Bool, Float, Int
from torch import Tensor

from snellen.findings.interval import wilson
from snellen.puzzles.ambiguous import as_good
from snellen.puzzles.solve import Solution


@dataclass(frozen=True)
class Share:
    """How many of how many, with a 95 % interval.

    Attributes:
        right: count.
        count: of trials.
        low, high: the Wilson interval of the share.
    """

    right: int
    count: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The share itself; NaN of none."""
        return self.right / self.count if self.count else float("nan")

    def __str__(self) -> str:
        return f"{self.value:.1%} ({self.low:.1%} to {self.high:.1%}; {self.right:,} of {self.count:,})"


@dataclass(frozen=True, eq=False)
class Judgement:
    """What a solver got right.

    Attributes:
        solution: of the solver.
        truth: (n, m) the known permutations.
        right: (n,) every piece in its place.
        looks_right: (n,) right, or wrong only between pieces that look the same.
        twins: (n,) whether two pieces look the same.
        images: share of ``right``.
        pieces: share of pieces in their place.
        looks: share of ``looks_right``.
        distinct: share of ``right`` among puzzles without two pieces that look the same.
    """

    solution: Solution
    truth: Int[Tensor, "n m"]
    right: Bool[Tensor, "n"]
    looks_right: Bool[Tensor, "n"]
    twins: Bool[Tensor, "n"]
    images: Share
    pieces: Share
    looks: Share
    distinct: Share

    @property
    def all_wrong(self) -> float:
        """Of the images that are wrong, the share with no piece in its place; NaN where none is wrong."""
        wrong = ~self.right
        nothing = (self.solution.permutations != self.truth).all(dim=1)
        return float(nothing[wrong].double().mean()) if bool(wrong.any()) else float("nan")


def judge(solution: Solution, truth: Int[Tensor, "n m"], alike: Bool[Tensor, "n m m"]) -> Judgement:
    """Compare predicted with known permutations, by image and by piece.

    An image counts as right when all its pieces are in place. Pieces of one image are right or wrong together, so the
    interval of their share is Wilson's for as many independent pieces as would vary as much (the design effect).

    Args:
        solution: predictions.
        truth: (n, m) known permutations, of puzzles that the solver was not trained on.
        alike: which two pieces look the same, from :func:`snellen.puzzles.ambiguous.twins`.

    >>> import torch
    >>> truth = torch.tensor([[0, 1, 2, 3], [1, 0, 2, 3]])
    >>> found = Solution(torch.tensor([[0, 1, 2, 3], [0, 1, 2, 3]]), torch.ones(2), torch.ones(2), True)
    >>> judged = judge(found, truth, torch.zeros(2, 4, 4, dtype=torch.bool))
    >>> judged.images.value, judged.pieces.value
    (0.5, 0.75)
    """
    same = solution.permutations == truth
    right, double = same.all(dim=1), alike.any(dim=2).any(dim=1)
    good = as_good(solution.permutations, truth, alike)
    return Judgement(
        solution,
        truth,
        right,
        good,
        double,
        images=share(right),
        pieces=_clustered(same),
        looks=share(good),
        distinct=share(right[~double]),
    )


def share(right: Bool[Tensor, "n"]) -> Share:
    """The share of independent trials that are right.

    >>> import torch
    >>> share(torch.tensor([True, True, False])).right
    2
    """
    count, n = int(right.sum()), len(right)
    return Share(count, n, *wilson(count, n))


def coverage(margin: Float[Tensor, "n"], right: Bool[Tensor, "n"]) -> tuple[list[float], list[float]]:
    """Coverage and accuracy when only the surest are answered: 5 %, 10 %, ... 100 % of all by margin.

    >>> import torch
    >>> coverage(torch.tensor([3.0, 1.0]), torch.tensor([True, False]))[1][-1]
    0.5
    """
    n = len(margin)
    if not n:
        return [], []
    ranked = right[margin.argsort(descending=True, stable=True)].double().cumsum(0)
    counts = sorted({max(1, round(n * step / 20)) for step in range(1, 21)})
    return [c / n for c in counts], [float(ranked[c - 1]) / c for c in counts]


def calibration(
    probability: Float[Tensor, "n"], right: Bool[Tensor, "n"], *, bins: int = 10
) -> tuple[list[tuple[float, Share]], float]:
    """Bins of equal count from least to most probable, and the mean gap between saying and being right.

    Args:
        probability: of the answer given.
        right: whether it was.
        bins: at most so many.

    Returns:
        (mean probability, share right) of each bin, and the expected calibration error: the mean over bins of
        |share right - mean probability|, weighted by count.

    >>> import torch
    >>> rows, error = calibration(torch.tensor([0.5, 0.5, 1.0, 1.0]), torch.tensor([True, False, True, True]), bins=2)
    >>> error
    0.0
    """
    rows: list[tuple[float, Share]] = []
    if not len(probability):
        return rows, float("nan")
    parts = probability.argsort(stable=True).tensor_split(min(bins, len(probability)))
    rows += [(float(probability[part].double().mean()), share(right[part])) for part in parts]
    error = sum(s.count * abs(s.value - said) for said, s in rows) / len(probability)
    return rows, error


def _clustered(same: Bool[Tensor, "n m"]) -> Share:
    n, m = same.shape
    count = int(same.sum())
    if n < 2 or count in (0, n * m):
        return Share(count, n * m, *wilson(n * count / max(n * m, 1), n))
    p = count / (n * m)
    variance = float(same.double().mean(dim=1).var()) / n
    trials = min(max(p * (1 - p) / variance, n), n * m) if variance > 0 else n * m
    return Share(count, n * m, *wilson(p * trials, trials))
