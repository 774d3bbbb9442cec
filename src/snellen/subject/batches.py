"""From pictures to batches of pixels: decoded, fitted and stacked, here or in worker processes."""

import multiprocessing
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset

from snellen._errors import ImagesError
from snellen._shapes import Pixels
from snellen.subject.fitting import fitted
from snellen.subject.preprocessing import Preprocessing
from snellen.subject.source import Source

SMALL = 64
"""Images below which starting worker processes costs more than decoding."""


@dataclass(frozen=True)
class BadImage:
    """An image that could not be decoded: its index in the set, its name, and the reason."""

    index: int
    name: str
    reason: str


@dataclass(frozen=True, eq=False)
class Batch:
    """Some images of a set, ready for a network.

    Args:
        indices: where in the set the rows of ``pixels`` come from, one index a row.
        pixels: (n, c, h, w) float32 in [0, 1]; RGB, or one channel where the preprocessing says ``L``.
        bad: the images of this batch that could not be decoded; they are in neither of the above.
    """

    indices: tuple[int, ...]
    pixels: Pixels
    bad: tuple[BadImage, ...] = ()


@dataclass(frozen=True, eq=False)
class _Decoded:
    """What a worker sends back, through a pipe: 8-bit arrays where it can, a quarter of the traffic.

    No tensors: they would go through shared memory; a container has 64 MB of it, then comes a bus error.
    """

    indices: list[int]
    arrays: list[NDArray[np.uint8] | NDArray[np.float32]]
    bad: list[BadImage]


class _Groups(Dataset[_Decoded]):
    def __init__(self, source: Source, preprocessing: Preprocessing, groups: Sequence[Sequence[int]]) -> None:
        self.source, self.preprocessing, self.groups = source, preprocessing, groups

    def __len__(self) -> int:
        return len(self.groups)

    def __getitem__(self, position: int) -> _Decoded:
        decoded = _Decoded([], [], [])
        for index in self.groups[position]:
            try:
                array = fitted(self.source.decode(index), self.preprocessing)
            except (ImagesError, MemoryError) as error:
                reason = str(error) or "not enough memory to decode it"
                decoded.bad.append(BadImage(index, self.source.name(index), reason))
            else:
                decoded.indices.append(index)
                decoded.arrays.append(array)
        return decoded


def decoded_batches(
    source: Source,
    preprocessing: Preprocessing,
    groups: Sequence[Sequence[int]],
    *,
    workers: int | None = None,
) -> Iterator[Batch]:
    """One batch for each group of indices, in order; see :meth:`snellen.subject.images.Images.batches`."""
    size: tuple[int, int] | None = None
    names = source.name
    for decoded in _decode(_Groups(source, preprocessing, groups), _worker_count(source, groups, workers)):
        for index, array in zip(decoded.indices, decoded.arrays, strict=True):
            found = (array.shape[0], array.shape[1])
            size = size or found
            if found != size:
                raise ImagesError(
                    f"images of one set must have one size unless an input size is given: {names(index)} is "
                    f"{found[0]} x {found[1]} (height x width), earlier ones are {size[0]} x {size[1]}. "
                    "Give the network's input size (--input-size 224, or Preprocessing(size=(224, 224)))."
                )
        pixels = _stacked(decoded.arrays, preprocessing, size)
        yield Batch(tuple(decoded.indices), pixels, tuple(decoded.bad))


def _stacked(
    arrays: Sequence[NDArray[np.uint8] | NDArray[np.float32]],
    preprocessing: Preprocessing,
    size: tuple[int, int] | None,
) -> Pixels:
    if not arrays:
        height, width = preprocessing.size or size or (1, 1)
        return torch.zeros(0, preprocessing.count, height, width)
    height, width, channels = arrays[0].shape
    pixels = torch.empty(len(arrays), channels, height, width)
    for row, array in enumerate(arrays):
        plain = torch.from_numpy(np.array(array)).permute(2, 0, 1)
        pixels[row] = plain.to(torch.float32) / 255 if array.dtype == np.uint8 else plain
    return pixels


def _worker_count(source: Source, groups: Sequence[Sequence[int]], workers: int | None) -> int:
    if workers is None:
        few = source.in_memory or sum(map(len, groups)) < SMALL
        workers = 0 if few or multiprocessing.current_process().daemon else min(2, os.cpu_count() or 1)
    return min(workers, len(groups))


def _decode(groups: _Groups, workers: int) -> Iterator[_Decoded]:
    if workers == 0:
        yield from (groups[position] for position in range(len(groups)))
        return
    with warnings.catch_warnings():
        # more workers than cores, and (Python 3.12 on) that a process with threads forks: both are meant
        warnings.simplefilter("ignore")
        loader: DataLoader[_Decoded] = DataLoader(
            groups,
            batch_size=None,
            num_workers=workers,
            collate_fn=_as_it_is,
            multiprocessing_context=_start_method(),
            generator=torch.Generator().manual_seed(0),  # else a draw from the global generator
        )
        iterator = iter(loader)
    try:
        yield from iterator
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise ImagesError(
            f"a process that decodes images died ({error}). It may have run out of memory: "
            "use smaller batches, or decode in one process (workers=0)."
        ) from error
    finally:
        # a traceback may keep the iterator alive, and with it the processes
        iterator._shutdown_workers()  # type: ignore[attr-defined]


def _as_it_is(decoded: Any) -> Any:
    return decoded


def _start_method() -> str | None:
    """Fork on Linux, the platform's own elsewhere.

    A worker runs Pillow, NumPy and Arrow in one thread and never enters torch's thread pool, the part that
    does not survive a fork. Spawn and forkserver would run an unguarded script a second time, and cost an
    ``import torch`` (seconds) where a fork costs milliseconds.
    """
    return "fork" if sys.platform == "linux" else None
