"""A few candidates a query from one matrix product, and a proof, query by query, that no neighbour is missing.

With X = x - c and Y = y - c, |x - y|^2 = |X|^2 + t where t = |Y|^2 - 2 X.Y, so that t ranks the points of a query. The
product is computed on roundings Xb, Yb, and

    |X.Y - Xb.Yb| <= |X - Xb| |Y| + |Xb| |Y - Yb|

by Cauchy and Schwarz. The norms on the right are computed from the roundings themselves; the rounding of the sums adds
(d + 4) u |X| |Y|, with u the unit roundoff of what they are added in. c is near the middle of the points: distances
stay as they are, the norms shrink and the bound with them.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from snellen.instruments.probes._vectors import Vectors, parts

QUERIES = 4096  # rows of the matrix of scores
BLOCK = 6 << 20  # values of the points that are multiplied at a time


@dataclass(frozen=True)
class Level:
    """How candidates are found: in which dtype, and how many are kept a query."""

    dtype: torch.dtype
    keep: int


@dataclass(frozen=True, eq=False)
class Frame:
    """Where vectors are placed: centred, and scaled by a power of two so that nothing over- or underflows."""

    centre: Tensor
    scale: float
    unit: bool

    def place(self, vectors: Vectors, which: Tensor, level: Level) -> "Placed":
        """The rows at ``which``, rounded as a level multiplies them; a few at a time, to stay in the cache."""
        device, exact = vectors.values.device, level.dtype == torch.float64
        placed = torch.empty(len(which), vectors.values.shape[1], dtype=level.dtype, device=device)
        lengths = torch.empty(len(which), dtype=torch.float64 if exact else torch.float32, device=device)
        lost = torch.zeros_like(lengths)
        for part in parts(len(which), vectors.values.shape[1], device):
            rows = vectors.rows(which[part], exact=exact)
            rows = rows.sub_(self.centre).mul_(self.scale).to(lengths.dtype)
            lengths[part] = torch.linalg.vector_norm(rows, dim=1)
            placed[part] = rows
            if level.dtype == torch.bfloat16:
                lost[part] = torch.linalg.vector_norm(rows.sub_(placed[part].float()), dim=1)
        return Placed(placed, lengths, lost / lengths.clamp_min(torch.finfo(torch.float32).tiny))


@dataclass(frozen=True, eq=False)
class Placed:
    """Rows as they are multiplied, their lengths before rounding, and the share of the length that rounding lost."""

    rows: Tensor
    lengths: Tensor
    lost: Tensor


@dataclass(frozen=True, eq=False)
class Shortlist:
    """The candidates of some queries.

    Args:
        scores: (q, m) float64, t up to the error below; in no order.
        indices: (q, m) their points.
        error: (q, m) float64, how far each score may be from t.
        lengths: (q,) |X| of the queries.
        reach: (q,) float64 per unit of length: what :meth:`complete` needs to bound the error of other points.
        longest: the largest |Y| of all points.
    """

    scores: Tensor
    indices: Tensor
    error: Tensor
    lengths: Tensor
    bound: "Bound"
    lost: Tensor
    longest: float

    def worth_measuring(self, k: int) -> Tensor:
        """(q, m) the candidates that may be among the k nearest; the others are proved not to be."""
        at_most = (self.scores + self.error).kthvalue(k, dim=1, keepdim=True).values
        return self.scores - self.error <= at_most

    def complete(self, kth: Tensor) -> Tensor:
        """(q,) whether every point that is not on the list is farther than ``kth``, a squared distance in the frame.

        A point not on the list scores at least as much as the last that is. One longer than |X| + sqrt(kth) is too
        far by the triangle inequality, so the error has to be bounded for shorter ones only.
        """
        reach = (self.lengths + kth.sqrt() * 1.001).clamp(max=self.longest)
        last = self.scores.amax(dim=1)
        return last + self.lengths.square() - self.bound(self.lengths, reach, self.lost) > kth


@dataclass(frozen=True)
class Bound:
    """How far a score can be from t, for given lengths: the rounding of rows, of products, of sums and of scores."""

    dimensions: int
    level: Level
    lost: float
    slack: float

    def __call__(self, x: Tensor, y: Tensor, lost: Tensor) -> Tensor:
        unit = 2.0**-53 if self.level.dtype == torch.float64 else 2.0**-24
        sums = (self.dimensions + 4) * unit
        stored = 2.0**-8 if self.level.dtype == torch.bfloat16 else 0.0
        product = 2 * x * y * (lost + self.lost + stored + sums + 4 * unit)
        squares = 2 * sums * (x.square() + y.square())
        tiny = self.dimensions * 2.0**-110
        return (product + squares + 4 * self.slack * (x + y)) * (1.02 + 2 * sums) + tiny


def shortlist(
    queries: Vectors, points: Vectors, pending: Tensor, frame: Frame, level: Level, *, exclude_self: bool
) -> Shortlist:
    """The candidates of the ``pending`` queries: those with the smallest scores."""
    keep = min(level.keep, len(points))
    placed = frame.place(queries, pending, level)
    x = placed.lengths.double()
    best = torch.empty(len(pending), 0, dtype=torch.float64 if level.dtype == torch.float64 else torch.float32)
    best = best.to(placed.rows.device)
    indices = best.long()
    lengths, lost = [], 0.0
    for block in torch.arange(len(points), device=x.device).split(_block(points)):
        there = frame.place(points, block, level)
        lengths.append(there.lengths)
        lost = max(lost, float(there.lost.max()))
        scores = _scores(placed.rows, there)
        if points.zero is not None and bool(points.zero[block].any()):
            # cosine 0 with everything, where the unit vectors would be a distance of 1 apart
            scores[:, points.zero[block]] = (2 * frame.scale**2 - x.square()[:, None]).to(scores.dtype)
        if exclude_self:
            own = ((pending >= block[0]) & (pending <= block[-1])).nonzero()[:, 0]
            scores[own, pending[own] - block[0]] = torch.inf
        found = scores.topk(min(keep, scores.shape[1]), dim=1, largest=False, sorted=False)
        both = torch.cat([best, found.values], dim=1)
        where = torch.cat([indices, found.indices + block[0]], dim=1)
        best, order = both.topk(min(keep, both.shape[1]), dim=1, largest=False, sorted=False)
        indices = where.gather(1, order)
    y = torch.cat(lengths)
    bound = Bound(queries.values.shape[1], level, lost, frame.scale * 2.0**-50 if frame.unit else 0.0)
    error = bound(x[:, None], y[indices].double(), placed.lost.double()[:, None])
    return Shortlist(best.double(), indices, error, x, bound, placed.lost.double(), float(y.max()) * 1.02)


def _block(points: Vectors) -> int:
    """How many points are multiplied at a time."""
    return max(64, min(4096, BLOCK // points.values.shape[1]))


def _scores(rows: Tensor, there: Placed) -> Tensor:
    """(q, b) |Y|^2 - 2 Xb.Yb, in float32 or float64."""
    squares = there.lengths.square()
    if rows.dtype != torch.bfloat16:
        return torch.addmm(squares[None], rows, there.rows.T, alpha=-2)
    return torch.mm(rows, there.rows.T).float().mul_(-2).add_(squares)
