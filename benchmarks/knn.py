"""Three nearest neighbours of 2,000 CIFAR-10 images among 20,000, raw pixels: Snellen, scikit-learn and faiss.

    python benchmarks/knn.py [--rounds 5] [--data FOLDER]

Wanted: at least 3 x scikit-learn's brute force and at least 1.0 x faiss's IndexFlatL2, in float32 at 3,072 dimensions,
with the neighbours of a float64 brute force for every query and less than 300 MB of memory beside the data. FOLDER
holds ``train.parquet`` and ``test.parquet``; faiss is left out where it is not installed (``pip install faiss-cpu``).
"""

import argparse
import importlib.util
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from side_by_side import in_turn, ratio, versions
from snellen import load_images
from snellen.instruments.probes.knn import nearest

QUERIES, POINTS, K = 2_000, 20_000, 3
DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "cifar10-jpeg"


def pixels(path: Path, count: int) -> NDArray[np.float32]:
    """(count, 3072) in [0, 1], the rows drawn by seed 0."""
    images = load_images(path, limit=count)
    return np.ascontiguousarray(images.pixels().flatten(1).numpy())


def float64_neighbours(queries: NDArray[np.float32], points: NDArray[np.float32]) -> NDArray[np.int64]:
    """By a float64 product, whose first 30 are measured again from differences: slow, and independent of Snellen."""
    p = points.astype(np.float64)
    squares = (p**2).sum(axis=1)
    found = []
    for part in np.array_split(queries.astype(np.float64), 20):
        near = np.argpartition(squares - 2 * part @ p.T, 30, axis=1)[:, :30]
        near.sort(axis=1)
        exact = np.stack([((p[rows] - q) ** 2).sum(axis=1) for q, rows in zip(part, near, strict=True)])
        found.append(np.take_along_axis(near, np.argsort(exact, axis=1, kind="stable")[:, :K], axis=1))
    return np.concatenate(found)


def extra_memory(dtype: str) -> float:
    """MB by which the peak of a fresh process rises while it searches random points of the benchmark's size."""
    script = (
        "import resource, torch\n"
        "from snellen.instruments.probes.knn import nearest\n"
        f"torch.set_num_threads({torch.get_num_threads()})\n"
        "g = torch.Generator().manual_seed(0)\n"
        f"make = lambda n: torch.empty(n, 3072, dtype=torch.{dtype})\n"
        f"queries, points = make({QUERIES}), make({POINTS})\n"
        "for values in (queries, points):\n"
        "    for row in values.split(500):\n"
        "        row.copy_(torch.randint(0, 256, row.shape, generator=g))\n"
        "nearest(queries[:64], points[:64])\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "nearest(queries, points)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return int(done.stdout) * (1 if sys.platform == "darwin" else 1024) / 1e6


def faiss_index(points: NDArray[np.float32]) -> Any:
    """A filled IndexFlatL2 with as many threads as torch."""
    import faiss

    faiss.omp_set_num_threads(torch.get_num_threads())
    index = faiss.IndexFlatL2(points.shape[1])
    index.add(points)
    return index


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--data", type=Path, default=DATA)
    options = parser.parse_args()
    if not (options.data / "train.parquet").is_file():
        print(f"skipped: no train.parquet in {options.data}; give a folder with CIFAR-10 as Parquet (--data)")
        return
    for dtype in ("float32", "uint8"):  # before this process grows: a child's peak begins at its parent's size
        print(f"peak memory beside {dtype} data: {extra_memory(dtype):.0f} MB (less than 300 wanted)")
    queries = pixels(options.data / "test.parquet", QUERIES)
    points = pixels(options.data / "train.parquet", POINTS)
    peer = NearestNeighbors(n_neighbors=K, algorithm="brute").fit(points)
    ways: dict[str, Callable[[], Any]] = {
        "snellen": lambda: nearest(queries, points, k=K),
        "scikit-learn": lambda: peer.kneighbors(queries),
    }
    has_faiss = importlib.util.find_spec("faiss") is not None
    if has_faiss:
        index = faiss_index(points)
        ways["faiss"] = lambda: index.search(queries, K)
    print(versions("scikit-learn", *(["faiss-cpu"] if has_faiss else [])))
    if not has_faiss:
        print("faiss is not installed and is left out; pip install faiss-cpu")
    seconds = in_turn(ways, rounds=options.rounds)
    for name, values in seconds.items():
        print(f"{name:13} median {statistics.median(values):.2f} s ({min(values):.2f} to {max(values):.2f})")
    truth = float64_neighbours(queries, points)
    found = nearest(queries, points, k=K)
    answers = {"snellen": found.indices.numpy(), "scikit-learn": peer.kneighbors(queries)[1]}
    if has_faiss:
        answers["faiss"] = index.search(queries, K)[1]
    for name, indices in answers.items():
        print(f"{name:13} {int((indices != truth).any(axis=1).sum())} of {QUERIES} queries differ from float64")
    print(f"looks at the queries: {found.looks}")
    print(f"{ratio(seconds, 'scikit-learn', 'snellen'):.2f} x scikit-learn's speed (at least 3 wanted)")
    if has_faiss:
        print(f"{ratio(seconds, 'faiss', 'snellen'):.2f} x faiss's speed (at least 1.0 wanted)")


if __name__ == "__main__":
    main()
