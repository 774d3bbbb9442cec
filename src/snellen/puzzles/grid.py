"""How an image is cut: rows and columns of pieces, which of them touch, and every way to arrange them."""

import re
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations
from math import factorial

import torch
from jaxtyping import Float, Int
from torch import Tensor

from snellen._errors import UsageError

MOST_ARRANGEMENTS = 720
"""Up to this many (6 pieces) every arrangement is scored; beyond, a search looks for the best."""
MOST_PIECES = 144
"""12x12; the search among more would take minutes an image."""


@dataclass(frozen=True)
class Grid:
    """Rows and columns of pieces; positions count left to right, then top to bottom.

    Args:
        rows: at least 1.
        columns: at least 1; a grid has 2 to 144 pieces.

    Raises:
        UsageError: fewer or more pieces.

    >>> Grid(2, 2).arrangements.shape
    torch.Size([24, 4])
    """

    rows: int
    columns: int

    def __post_init__(self) -> None:
        if min(self.rows, self.columns) < 1 or not 2 <= self.pieces <= MOST_PIECES:
            raise UsageError(f"a grid has 2 to {MOST_PIECES} pieces, such as 2x2; got {self}")

    @classmethod
    def parse(cls, text: str) -> "Grid":
        """``3x4`` is 3 rows of 4 columns; ``3`` is ``3x3``.

        Raises:
            UsageError: text that does not read so.

        >>> Grid.parse("3x4")
        Grid(rows=3, columns=4)
        """
        found = re.fullmatch(r"\s*(\d{1,3})\s*(?:[x×]\s*(\d{1,3})\s*)?", text.lower())
        if found is None:
            raise UsageError(f"a grid must read like 2x2 (rows x columns), got {text!r}")
        return cls(int(found[1]), int(found[2] or found[1]))

    def __str__(self) -> str:
        return f"{self.rows}x{self.columns}"

    @property
    def pieces(self) -> int:
        """How many there are."""
        return self.rows * self.columns

    @cached_property
    def beside(self) -> tuple[tuple[int, int], ...]:
        """Positions (left, right) that share an upright seam."""
        return tuple((p, p + 1) for p in range(self.pieces) if (p + 1) % self.columns)

    @cached_property
    def above(self) -> tuple[tuple[int, int], ...]:
        """Positions (upper, lower) that share a level seam."""
        return tuple((p, p + self.columns) for p in range(self.pieces - self.columns))

    @property
    def countable(self) -> bool:
        """Whether there are few enough arrangements to score every one."""
        return self.pieces <= 12 and factorial(self.pieces) <= MOST_ARRANGEMENTS

    @cached_property
    def arrangements(self) -> Int[Tensor, "a m"]:
        """Every arrangement: ``arrangements[a, k]`` is the piece at position k; the first leaves all as it is.

        Raises:
            UsageError: too many of them.
        """
        if not self.countable:
            raise UsageError(f"a {self} grid has {self.pieces}! arrangements, at most {MOST_ARRANGEMENTS} are listed")
        return torch.tensor(list(permutations(range(self.pieces))))

    @cached_property
    def design(self) -> Float[Tensor, "3mm a"]:
        """0 and 1: which of the 3 m² scores (beside, above, place) an arrangement adds up."""
        pieces = self.pieces
        design = torch.zeros(3, pieces, pieces, len(self.arrangements))
        for column, order in enumerate(self.arrangements.tolist()):
            for left, right in self.beside:
                design[0, order[left], order[right], column] = 1
            for upper, lower in self.above:
                design[1, order[upper], order[lower], column] = 1
            for position, piece in enumerate(order):
                design[2, piece, position, column] = 1
        return design.flatten(0, 2)
