"""Held against a brute force in float64: NumPy differences, a stable sort, nothing shared with what is tested."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from snellen import UsageError
from snellen.instruments.probes import knn
from snellen.instruments.probes._shortlist import Level, shortlist
from snellen.instruments.probes._vectors import vectors
from snellen.instruments.probes.knn import nearest


def brute(
    queries: Any, points: Any, k: int, metric: str = "l2", exclude_self: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Distances and indices of the k nearest, from differences in float64."""
    q, p = np.asarray(queries).astype(np.float64), np.asarray(points).astype(np.float64)
    if metric == "cosine":
        q, p, zero = unit(q), unit(p), (~q.any(1))[:, None] | (~p.any(1))[None]
    squared = np.stack([((p - row) ** 2).sum(axis=1) for row in q])
    if metric == "cosine":
        squared = np.where(zero, 2.0, np.where(squared < 2e-30, 0, squared))
    if exclude_self:
        np.fill_diagonal(squared, np.inf)
    order = np.argsort(squared, axis=1, kind="stable")[:, :k]
    found = np.take_along_axis(squared, order, axis=1)
    return (found / 2 if metric == "cosine" else np.sqrt(found)), order


def unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    largest = np.abs(rows).max(axis=1, keepdims=True)
    scaled = rows / np.where(largest == 0, 1, largest)
    lengths = np.sqrt((scaled**2).sum(axis=1, keepdims=True))
    return scaled / np.where(lengths == 0, 1, lengths)


def agree(queries: Tensor, points: Tensor, **settings: Any) -> dict[str, int]:
    found = nearest(queries, points, **settings)
    distances, order = brute(queries, points, settings.pop("k", 3), **settings)
    assert found.indices.tolist() == order.tolist()
    assert np.allclose(found.distances, distances, rtol=1e-6, atol=0)
    assert found.distances.dtype == torch.float32
    return found.looks


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    """However small: first in bfloat16, whatever the processor."""
    monkeypatch.setattr(knn, "LARGE", 0)
    monkeypatch.setattr(knn, "_bfloat16_units", lambda: True)


def test_it_unpacks_as_distances_and_indices_nearest_first() -> None:
    distances, indices = nearest(torch.tensor([[0.0]]), torch.tensor([[5.0], [-1.0], [2.0]]))
    assert distances.tolist() == [[1, 2, 5]]
    assert indices.tolist() == [[1, 2, 0]]


@pytest.mark.usefixtures("bfloat16")
@pytest.mark.parametrize("metric", ["l2", "cosine"])
def test_a_bfloat16_look_is_proved_or_repeated(metric: str) -> None:
    looks = agree(noise(60, 40), noise(3000, 40, seed=1), metric=metric)
    assert looks["bfloat16"] == 60


@pytest.mark.usefixtures("bfloat16")
@pytest.mark.parametrize("offset", [0.0, 1e4, -3e6])
def test_a_huge_offset_costs_no_neighbour(offset: float) -> None:
    agree((noise(40, 30) + offset), noise(2000, 30, seed=1) + offset)


@pytest.mark.usefixtures("bfloat16")
@pytest.mark.parametrize("size", [1e-30, 1e-10, 1e10, 1e30])
@pytest.mark.parametrize("metric", ["l2", "cosine"])
def test_tiny_and_huge_values(size: float, metric: str) -> None:
    agree(noise(20, 10) * size, noise(500, 10, seed=1) * size, metric=metric)


@pytest.mark.usefixtures("bfloat16")
def test_points_that_bfloat16_cannot_tell_apart() -> None:
    """The case that a shortlist without a proof gets wrong: 400 points within its rounding, the nearest last."""
    base = noise(1, 64)
    points = base + 1e-4 * noise(400, 64, seed=1)
    points = torch.cat([points, base + 1e-6 * noise(1, 64, seed=2), 3 * noise(50, 64, seed=3)])
    looks = agree(base, points)
    assert looks["bfloat16"] == looks["float32"] == 1
    unproved = shortlist(
        vectors(base, "l2", "q"),
        vectors(points, "l2", "p"),
        torch.tensor([0]),
        knn._frame(vectors(base, "l2", "q"), vectors(points, "l2", "p")),
        Level(torch.bfloat16, 3),
        exclude_self=False,
    )
    assert set(unproved.indices[0].tolist()) != set(brute(base, points, 3)[1][0].tolist())


@pytest.mark.usefixtures("bfloat16")
@pytest.mark.parametrize("metric", ["l2", "cosine"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_no_score_is_farther_from_the_truth_than_its_bound(metric: str, dtype: torch.dtype) -> None:
    q, p = noise(30, 50) + 2, (noise(400, 50, seed=1) + 2).abs()
    x, y = vectors(q, metric, "q"), vectors(p, metric, "p")  # type: ignore[arg-type]
    frame = knn._frame(x, y)
    found = shortlist(x, y, torch.arange(30), frame, Level(dtype, 400), exclude_self=False)
    rows = torch.arange(400)
    there = (y.rows(rows, exact=True) - frame.centre) * frame.scale
    here = (x.rows(rows[:30], exact=True) - frame.centre) * frame.scale
    truth = (there**2).sum(dim=1) - 2 * here @ there.T
    missed = (found.scores - truth.gather(1, found.indices)).abs()
    assert (missed <= found.error).all()
    assert float((missed / found.error).max()) > (0.02 if dtype == torch.bfloat16 else 0), "the bound says nothing"


@pytest.mark.usefixtures("bfloat16")
def test_an_outlier_among_the_points_does_not_spoil_the_proof() -> None:
    points = noise(2000, 30, seed=1)
    points[7] *= 1e5
    assert agree(noise(20, 30), points) == {"bfloat16": 20}


@pytest.mark.parametrize("metric", ["l2", "cosine"])
def test_equal_distances_come_in_the_order_of_the_points(metric: str) -> None:
    points = torch.tensor([[2.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    agree(torch.tensor([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0]]), points, k=5, metric=metric)
    agree(points, points, k=4, metric=metric, exclude_self=True)


@pytest.mark.usefixtures("bfloat16")
@pytest.mark.parametrize("metric", ["l2", "cosine"])
def test_constant_data_end_in_the_comparison_with_every_point(metric: str) -> None:
    looks = agree(torch.full((3, 4), 7.0), torch.full((600, 4), 7.0), metric=metric)
    assert looks == {"bfloat16": 3, "float32": 3, "float64": 3, "every point": 3}


@pytest.mark.usefixtures("bfloat16")
@pytest.mark.parametrize("metric", ["l2", "cosine"])
def test_duplicates(metric: str) -> None:
    points = noise(50, 6).repeat(40, 1)[torch.randperm(2000, generator=torch.Generator().manual_seed(0))]
    agree(points[:30], points, k=5, metric=metric)
    agree(points, points, k=2, metric=metric, exclude_self=True)


def test_exclude_self_leaves_out_the_query_and_not_its_copies() -> None:
    points = torch.tensor([[0.0], [5.0], [0.0]])
    assert nearest(points, points, k=1, exclude_self=True).indices.tolist() == [[2], [0], [0]]


@pytest.mark.parametrize("metric", ["l2", "cosine"])
def test_a_zero_vector(metric: str) -> None:
    points = torch.tensor([[0.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    agree(torch.tensor([[0.0, 0.0], [1.0, 0.0]]), points, k=4, metric=metric)
    if metric == "cosine":
        assert nearest(torch.zeros(1, 2), points, k=4, metric=metric).distances.tolist() == [[1.0] * 4]


def test_8_bit_values_never_wrap_around() -> None:
    q, p = torch.tensor([[3, 250]], dtype=torch.uint8), torch.tensor([[5, 0], [3, 249]], dtype=torch.uint8)
    distances, indices = nearest(q, p, k=2)
    assert indices.tolist() == [[1, 0]]
    assert distances[0].tolist() == pytest.approx([1.0, (4 + 250**2) ** 0.5])


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("metric", ["l2", "cosine"])
def test_any_dtype(dtype: torch.dtype, metric: str) -> None:
    values = (noise(300, 20).abs() * 60).to(dtype)
    plain = values.float() if dtype == torch.bfloat16 else values
    found = nearest(values[:9], values, metric=metric)
    assert found.indices.tolist() == brute(plain[:9], plain, 3, metric)[1].tolist()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("metric", ["l2", "cosine"])
def test_any_layout_numpy_and_no_write_to_the_input(dtype: torch.dtype, metric: str) -> None:
    wide = noise(40, 60).to(dtype)
    queries, points = wide.T[::2], wide.T[1::2]
    before = wide.clone()
    agree(queries, points, metric=metric)
    found = nearest(queries.numpy(), points.numpy(), metric=metric)
    assert torch.equal(found.indices, nearest(queries, points, metric=metric).indices)
    assert torch.equal(wide, before)


def test_many_queries_few_dimensions_in_several_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(knn, "QUERIES", 7)
    points = noise(200, 2)
    agree(points, points, k=4, exclude_self=True)


def test_autocast_and_reduced_matmuls_change_nothing() -> None:
    q, p = noise(30, 100) + 50, noise(500, 100, seed=1) + 50
    torch.set_float32_matmul_precision("medium")
    try:
        with torch.autocast("cpu", torch.bfloat16):
            assert "float32" not in agree(q, p)
    finally:
        torch.set_float32_matmul_precision("highest")


@pytest.mark.usefixtures("bfloat16")
def test_zero_vectors_among_many_points() -> None:
    points = noise(900, 3, seed=1)
    points[::3] = 0
    agree(torch.cat([noise(20, 3), torch.zeros(2, 3)]), points, k=20, metric="cosine")
    agree(points[:60], points[:60], k=50, metric="cosine", exclude_self=True)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 12), st.integers(1, 40), st.integers(1, 6), st.integers(0, 10_000),
    st.sampled_from(["l2", "cosine"]), st.sampled_from(["few values", "noise", "offset", "copies"]), st.data(),
)  # fmt: skip
def test_it_is_the_brute_force(n: int, m: int, d: int, seed: int, metric: str, kind: str, data: st.DataObject) -> None:
    rng = np.random.default_rng(seed)
    points = rng.integers(-2, 3, (m, d)).astype(np.float32) if kind == "few values" else rng.normal(size=(m, d))
    queries = rng.integers(-2, 3, (n, d)).astype(np.float32) if kind == "few values" else rng.normal(size=(n, d))
    if kind == "offset":
        points, queries = points.astype(np.float32) + 1e4, queries.astype(np.float32) + 1e4
    if kind == "copies":
        points[:] = points[rng.integers(0, m, m)]
        queries[:] = points[rng.integers(0, m, n)]
    k = data.draw(st.integers(1, m))
    found = nearest(queries, points, k=k, metric=metric)
    distances, order = brute(queries, points, m, metric)
    taken = np.stack([distances[i, np.argsort(order[i])][found.indices[i].numpy()] for i in range(n)])
    assert np.allclose(taken, distances[:, :k], rtol=1e-12, atol=1e-28), "not the nearest"
    assert all(len(set(row)) == k for row in found.indices.tolist())
    if metric == "l2" and kind in ("few values", "copies"):
        assert found.indices.tolist() == order[:, :k].tolist(), "equal distances out of order"


def test_it_is_what_scikit_learn_finds() -> None:
    q, p = noise(50, 30).double(), noise(400, 30, seed=1).double()
    distances, order = NearestNeighbors(n_neighbors=5, algorithm="brute").fit(p.numpy()).kneighbors(q.numpy())
    found = nearest(q, p, k=5)
    assert found.indices.tolist() == order.tolist()
    assert np.allclose(found.distances, distances, rtol=1e-6)


@pytest.mark.parametrize(
    ("queries", "points", "arguments", "words"),
    [
        (noise(2, 3), noise(4, 3), {"k": 5}, "k must be from 1 to 4, for there are 4 points; got 5"),
        (noise(2, 3), noise(4, 3), {"k": 0}, "k must be from 1 to 4"),
        (noise(4, 3), noise(4, 3), {"k": 4, "exclude_self": True}, "from 1 to 3, for there are 3 others"),
        (noise(2, 3), noise(4, 2), {}, "same number of dimensions, got 3 and 2"),
        (noise(2, 3), noise(4, 3), {"exclude_self": True}, "got 2 queries and 4 points"),
        (noise(2, 3), noise(4, 3), {"metric": "cosin"}, "did you mean cosine"),
        (noise(2, 3) * float("nan"), noise(4, 3), {}, "queries must be finite .* got NaN"),
        (noise(2, 3), noise(4, 3) / 0, {}, "points must be finite .* got -?inf"),
        (noise(2, 3, 4), noise(4, 3), {}, r"queries must be a real tensor \(n, d\).*flatten\(1\)"),
        (noise(2, 3), noise(4, 3)[:0], {}, r"points must be .* got torch.float32 of shape \(0, 3\)"),
    ],
)
def test_wrong_input(queries: Tensor, points: Tensor, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        nearest(queries, points, **arguments)
