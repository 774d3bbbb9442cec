"""Exact k nearest neighbours of vectors, at the speed of rounded matrix products."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import frexp
from typing import Any

import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from snellen._errors import UsageError, unknown
from snellen.instruments.probes._shortlist import QUERIES, Frame, Level, shortlist
from snellen.instruments.probes._vectors import Metric, Vectors, pair_distances, vectors

METRICS: tuple[Metric, ...] = ("l2", "cosine")
LARGE = 1 << 28  # multiply-adds from which bfloat16 pays for a second look
QUERY_BYTES = 64 << 20


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The nearest points of every query, nearest first; unpacks as ``distances, indices``.

    Attributes:
        distances: (n, k) float32, true distances: L2 (not squared), or 1 - cosine.
        indices: (n, k) which points; equal distances come in the order of the points.
        looks: how many queries each precision was asked about, first look first: ``{"bfloat16": 2000, "float32": 3}``.
    """

    distances: Float[Tensor, "n k"]
    indices: Int[Tensor, "n k"]
    looks: dict[str, int]

    def __iter__(self) -> Iterator[Tensor]:
        return iter((self.distances, self.indices))


def nearest(
    queries: Tensor | NDArray[Any],
    points: Tensor | NDArray[Any],
    *,
    k: int = 3,
    metric: str = "l2",
    exclude_self: bool = False,
) -> Neighbours:
    """The k nearest points of every query: exactly those that a float64 brute force finds.

    L2 is sqrt(sum of (x_i - y_i)^2), cosine distance 1 - x.y / (|x| |y|). Candidates come from one matrix product of
    centred vectors, in bfloat16 where the processor has units for it, and are measured again in float64 from the
    original values. An error bound then proves for every query that no point off its list can be nearer; a query
    without that proof is looked at again in float32, in float64, and at last against every point.

    Args:
        queries: (n, d), any real dtype; 8-bit values are converted a block at a time and never wrap around.
        points: (m, d), likewise.
        k: how many, from 1 to m.
        metric: ``l2`` or ``cosine``. A zero vector has cosine 0 with everything, another zero vector included.
        exclude_self: the queries are the points, and none is its own neighbour; copies of it are.

    Raises:
        UsageError: an unknown metric, k out of range, other dimensions, NaN or infinite values.

    Reference: Cover and Hart 1967, IEEE Trans. Inf. Theory 13:21-27.

    >>> distances, indices = nearest(torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0], [1.0, 0.0]]), k=2)
    >>> distances.tolist(), indices.tolist()
    ([[1.0, 5.0]], [[1, 0]])
    """
    if metric not in METRICS:
        raise unknown("metric", metric, METRICS)
    q, p = (torch.as_tensor(v) for v in (queries, points))
    with torch.no_grad(), torch.autocast(q.device.type, enabled=False):
        x, y = vectors(q, metric, "queries"), vectors(p, metric, "points")
        _check(x, y, k, exclude_self)
        frame = _frame(x, y)
        step = max(1, min(QUERIES, QUERY_BYTES // (4 * q.shape[1])))
        every = torch.arange(len(x), device=q.device).split(step)
        parts = [_search(x, y, rows, frame, k, exclude_self) for rows in every]
    looks: dict[str, int] = {}
    for _, _, seen in parts:
        for name, count in seen.items():
            looks[name] = looks.get(name, 0) + count
    squared = torch.cat([part[0] for part in parts])
    distances = (squared / 2 if metric == "cosine" else squared.sqrt()).float()
    return Neighbours(distances, torch.cat([part[1] for part in parts]), looks)


def _check(queries: Vectors, points: Vectors, k: int, exclude_self: bool) -> None:
    if queries.values.shape[1] != points.values.shape[1]:
        raise UsageError(
            "queries and points must have the same number of dimensions, "
            f"got {queries.values.shape[1]} and {points.values.shape[1]}"
        )
    if queries.values.device != points.values.device:
        raise UsageError(
            f"queries and points must be on one device, got {queries.values.device} and {points.values.device}"
        )
    if exclude_self and len(queries) != len(points):
        raise UsageError(
            f"exclude_self means that the queries are the points, got {len(queries)} queries and {len(points)} points"
        )
    most = len(points) - exclude_self
    if not 1 <= k <= most:
        others = " others, the query itself being excluded" if exclude_self else " points"
        raise UsageError(f"k must be from 1 to {most}, for there are {most}{others}; got {k}")


def _frame(queries: Vectors, points: Vectors) -> Frame:
    """Centred on the points, with every length below 1."""
    largest = max(queries.largest, points.largest) * 2 * queries.values.shape[1] ** 0.5
    return Frame(points.centre(), 2.0 ** -frexp(largest)[1] if largest else 1.0, queries.lengths is not None)


def _levels(queries: Vectors, points: Vectors, count: int, k: int) -> list[Level]:
    """The looks to take, the fastest first.

    float32 products are left out where torch was told to compute them with fewer bits, and bfloat16 ones where they
    are not summed in float32 for certain: on anything but a CPU with units for it.
    """
    device = queries.values.device.type
    levels = [Level(torch.float64, max(256, 4 * k))]
    if torch.get_float32_matmul_precision() == "highest":
        levels.insert(0, Level(torch.float32, max(64, 3 * k)))
    large = count * len(points) * queries.values.shape[1] >= LARGE
    if device == "cpu" and large and torch.backends.mkldnn.enabled and _bfloat16_units():
        levels.insert(0, Level(torch.bfloat16, max(32, 3 * k)))
    return levels


def _bfloat16_units() -> bool:
    return bool(torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())


def _search(
    queries: Vectors, points: Vectors, rows: Tensor, frame: Frame, k: int, exclude_self: bool
) -> tuple[Tensor, Tensor, dict[str, int]]:
    """(q, k) squared distances and indices of the queries at ``rows``, and how often each precision was asked."""
    squared = torch.full((len(rows), k), torch.inf, dtype=torch.float64, device=rows.device)
    indices = torch.zeros(len(rows), k, dtype=torch.int64, device=rows.device)
    pending, looks = torch.arange(len(rows), device=rows.device), {}
    if queries.zero is not None:
        pending = (~queries.zero[rows]).nonzero()[:, 0]
        for row in queries.zero[rows].nonzero()[:, 0].tolist():
            squared[row], indices[row] = _against_all(queries, points, rows[row], k, exclude_self)
    for level in _levels(queries, points, len(rows), k):
        if not len(pending):
            break
        looks[str(level.dtype).removeprefix("torch.")] = len(pending)
        found = shortlist(queries, points, rows[pending], frame, level, exclude_self=exclude_self)
        first, column = found.worth_measuring(k).nonzero(as_tuple=True)
        exact = torch.full_like(found.scores, torch.inf)
        exact[first, column] = pair_distances(queries, points, rows[pending[first]], found.indices[first, column])
        squared[pending], indices[pending] = _first(exact, found.indices, k)
        if found.indices.shape[1] == len(points):
            pending = pending[:0]
        else:
            pending = pending[~found.complete(squared[pending, -1] * frame.scale**2)]
    if len(pending):
        looks["every point"] = len(pending)
    for row in pending.tolist():
        squared[row], indices[row] = _against_all(queries, points, rows[row], k, exclude_self)
    return squared, indices, looks


def _first(squared: Tensor, indices: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k smallest of every row in order, the lower index first where they are equal."""
    indices, order = indices.sort(dim=1)
    squared, order = squared.gather(1, order).sort(dim=1, stable=True)
    return squared[:, :k], indices.gather(1, order)[:, :k]


def _against_all(queries: Vectors, points: Vectors, row: Tensor, k: int, exclude_self: bool) -> tuple[Tensor, Tensor]:
    there = torch.arange(len(points), device=row.device)
    there = there[there != row] if exclude_self else there
    if queries.zero is not None and bool(queries.zero[row]):
        return torch.full((k,), 2.0, dtype=torch.float64, device=row.device), there[:k]
    squared, order = pair_distances(queries, points, row.expand(len(there)), there).sort(stable=True)
    return squared[:k], there[order[:k]]
