"""Random numbers that belong to an image: the same in whatever batch it is, and at whatever place."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from torch import Tensor

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
FIRST, SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


@dataclass(eq=False)
class Draws:
    """A stream of random numbers for each image, by SplitMix64 (Steele, Lea and Flood 2014, OOPSLA).

    Args:
        state: (n,) uint64, one a stream; it moves as numbers are drawn.
    """

    state: NDArray[np.uint64]

    @staticmethod
    def of(levels: UInt8[Tensor, "n c h w"], seed: int) -> "Draws":
        """The streams of some pictures: a picture's own bytes and the seed decide."""
        sums = [zlib.crc32(image.numpy().tobytes()) for image in levels.cpu().contiguous()]
        state = np.array(sums, np.uint64) ^ (np.uint64(seed % 2**32) << np.uint64(32))
        return Draws(_mixed(state))

    def __getitem__(self, rows: Tensor) -> "Draws":
        """Copies of some streams."""
        return Draws(self.state[rows.cpu().numpy()])

    def split(self, number: int) -> "Draws":
        """Other streams of the same images, as for another restart."""
        with np.errstate(over="ignore"):
            return Draws(_mixed(self.state + np.uint64(number) * FIRST))

    def uniform(self, shape: Sequence[int]) -> Float[Tensor, "..."]:
        """Float32 in [0, 1), ``shape[0]`` the number of streams."""
        return torch.from_numpy(self._doubles(shape).astype(np.float32)).clamp_(max=1 - 2**-24)

    def normal(self, shape: Sequence[int]) -> Float[Tensor, "..."]:
        """Float32, standard normal (Box and Muller)."""
        first, second = 1 - self._doubles(shape), self._doubles(shape)
        values = np.sqrt(-2 * np.log(first)) * np.cos(2 * np.pi * second)
        return torch.from_numpy(values.astype(np.float32))

    def integers(self, below: int, shape: Sequence[int]) -> Tensor:
        """Int64 from 0 to ``below - 1``."""
        return torch.from_numpy((self._doubles(shape) * below).astype(np.int64))

    def _doubles(self, shape: Sequence[int]) -> NDArray[np.float64]:
        count = int(np.prod(shape[1:]))
        with np.errstate(over="ignore"):
            steps = np.arange(1, count + 1, dtype=np.uint64) * GOLDEN
            values = _mixed(self.state[:, None] + steps, add=False)
            self.state = self.state + np.uint64(count) * GOLDEN
        return ((values >> np.uint64(11)).astype(np.float64) * 2.0**-53).reshape(tuple(shape))


def _mixed(state: NDArray[np.uint64], *, add: bool = True) -> NDArray[np.uint64]:
    with np.errstate(over="ignore"):
        z = state + GOLDEN if add else state
        z = (z ^ (z >> np.uint64(30))) * FIRST
        z = (z ^ (z >> np.uint64(27))) * SECOND
        return z ^ (z >> np.uint64(31))
