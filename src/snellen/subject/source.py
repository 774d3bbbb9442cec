"""Where pictures come from, one at a time."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Picture = Image.Image | NDArray[np.float32]
"""One decoded image: Pillow's ``RGB`` or ``L`` of 8 bits, or float32 (h, w, c) in [0, 1] with c = 1 or 3."""


class Source(ABC):
    """Where pictures come from: decodes one at a time, is cheap to pickle, knows what each is called."""

    in_memory: bool = False
    """Whether decoding costs so little that worker processes would only be in the way."""

    @abstractmethod
    def __len__(self) -> int:
        """How many pictures there are."""

    @abstractmethod
    def name(self, index: int) -> str:
        """Where this one came from: a path relative to the root, ``row 17 of test.parquet``, ..."""

    @abstractmethod
    def decode(self, index: int) -> Picture:
        """The picture, upright; an ImagesError whose message is the reason when it cannot be had."""


@dataclass(frozen=True, eq=False)
class Selected(Source):
    """Some pictures of another source, in a given order."""

    source: Source
    indices: NDArray[np.int64]

    def __post_init__(self) -> None:
        object.__setattr__(self, "in_memory", self.source.in_memory)

    def __len__(self) -> int:
        return len(self.indices)

    def name(self, index: int) -> str:
        return self.source.name(int(self.indices[index]))

    def decode(self, index: int) -> Picture:
        return self.source.decode(int(self.indices[index]))
