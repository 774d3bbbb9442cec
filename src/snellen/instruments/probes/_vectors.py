"""Vectors of any dtype as a metric sees them, a few rows at a time: nothing is converted as a whole."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from snellen._errors import UsageError

Metric = Literal["l2", "cosine"]
LARGEST = 1e150
"""Squares of larger values do not fit into a float64."""
SAME_DIRECTION = 1e-30
"""Half the squared distance of two unit vectors below which float64 cannot tell their directions apart."""
CACHED = 32 << 10
"""Values that are worked on at a time: they stay in the cache, and torch starts no threads for so few. Waking threads
for thousands of short steps is what makes such a search crawl on a machine that is busy."""


@dataclass(frozen=True, eq=False)
class Vectors:
    """Rows of a matrix, for the cosine divided by their lengths.

    Args:
        values: (n, d), any real dtype, in any memory layout.
        lengths: (n,) float64, 1 for a zero vector; None for the L2 metric.
        zero: (n,) which rows are zero vectors; None for the L2 metric.
        largest: the largest absolute value.
    """

    values: Tensor
    lengths: Tensor | None
    zero: Tensor | None
    largest: float

    def __len__(self) -> int:
        return self.values.shape[0]

    @property
    def wide(self) -> torch.dtype:
        """The dtype in which the rows are exact: float32 where that holds every value, else float64."""
        narrow = self.values.dtype in (torch.uint8, torch.bool, torch.float16, torch.bfloat16, torch.float32)
        return torch.float32 if narrow and self.lengths is None else torch.float64

    def rows(self, which: Tensor, *, exact: bool = False) -> Tensor:
        """(b, d) some rows, a copy, in :attr:`wide`, or in float64 where that is asked for."""
        rows = self.values[which].to(torch.float64 if exact else self.wide)
        return rows if self.lengths is None else rows.div_(self.lengths[which][:, None])

    def centre(self) -> Tensor:
        """(d,) the mean of up to 1,024 of the rows, evenly spaced: any point among them would do."""
        step = -(-len(self) // 1024)
        sample = torch.arange(0, len(self), step, device=self.values.device)
        total = torch.zeros(self.values.shape[1], dtype=torch.float64, device=self.values.device)
        for part in parts(len(sample), self.values.shape[1], self.values.device):
            total += self.rows(sample[part]).sum(dim=0)
        return (total / len(sample)).to(self.wide)


def parts(count: int, dimensions: int, device: torch.device) -> Iterator[slice]:
    """``count`` rows, so many at a time that they stay in the cache; on an accelerator in larger parts."""
    step = max(1, (CACHED if device.type == "cpu" else 256 * CACHED) // dimensions)
    return (slice(start, min(start + step, count)) for start in range(0, count, step))


def vectors(values: Tensor, metric: Metric, name: str) -> Vectors:
    """A matrix as vectors, checked.

    Raises:
        UsageError: values that are no real (n, d) matrix with n and d of at least 1, NaN, infinite or too large.
    """
    if not isinstance(values, Tensor) or values.ndim != 2 or values.is_complex() or values.numel() == 0:
        got = f"{values.dtype} of shape {tuple(values.shape)}" if isinstance(values, Tensor) else type(values).__name__
        hint = "; flatten(1) makes one row of an image" if isinstance(values, Tensor) and values.ndim > 2 else ""
        raise UsageError(f"{name} must be a real tensor (n, d) with n and d at least 1, got {got}{hint}")
    if metric == "l2":
        return Vectors(values, None, None, _largest(values, name))
    _largest(values, name)
    lengths = torch.empty(len(values), dtype=torch.float64, device=values.device)
    for part in parts(len(values), values.shape[1], values.device):
        lengths[part] = _lengths(values[part].double())
    zero = lengths == 0
    return Vectors(values, lengths.masked_fill(zero, 1.0), zero, 1.0)


def _largest(values: Tensor, name: str) -> float:
    if values.dtype in (torch.uint8, torch.bool):
        return 255.0
    largest = 0.0
    for part in parts(len(values), values.shape[1], values.device):
        for end in torch.aminmax(values[part]):
            value = abs(float(end))
            if not value <= LARGEST:
                kind = "NaN" if value != value else f"{float(end):g}"
                raise UsageError(f"{name} must be finite and at most {LARGEST:g} in size, got {kind}; leave it out")
            largest = max(largest, value)
    return largest


def _lengths(rows: Tensor) -> Tensor:
    """(b,) lengths that neither overflow nor vanish where squares would."""
    top = rows.abs().amax(dim=1)
    safe = top.masked_fill(top == 0, 1.0)
    return (rows / safe[:, None]).square_().sum(dim=1).sqrt_() * top


def pair_distances(queries: Vectors, points: Vectors, first: Tensor, second: Tensor) -> Tensor:
    """(p,) float64: squared L2, or cosine distance times 2, of the pairs (first[i], second[i]).

    From differences, so that near neighbours lose no digits; the cosine of unit vectors from
    |x - y|^2 = 2 - 2 cos(x, y). A zero vector has cosine 0 with everything.
    """
    found = torch.empty(len(first), dtype=torch.float64, device=queries.values.device)
    for part in parts(len(first), queries.values.shape[1], found.device):
        difference = points.rows(second[part], exact=True).sub_(queries.rows(first[part], exact=True))
        found[part] = difference.square_().sum(dim=1)
    if queries.zero is None or points.zero is None:
        return found
    found[found < 2 * SAME_DIRECTION] = 0.0
    found[queries.zero[first] | points.zero[second]] = 2.0
    return found
