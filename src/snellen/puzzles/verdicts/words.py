"""Counts, shares and rows, as every verdict says them."""

from snellen.findings.evidence import Cell
from snellen.puzzles.judge import Share

WILSON = "Wilson 1927, JASA 22:209"


def many(count: int, word: str) -> str:
    """A number and its noun.

    >>> many(1, "image"), many(16000, "image")
    ('1 image', '16,000 images')
    """
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def per_cent(share: float) -> str:
    """A share with one decimal, or in powers of ten where that would be 0.

    >>> per_cent(1 / 24), per_cent(1 / 362880)
    ('4.2%', '3e-06')
    """
    return f"{share:.1%}" if share >= 0.001 else f"{share:.1g}"


def row(name: str, found: Share) -> tuple[Cell, ...]:
    """Name, right, of, share, low, high."""
    return name, found.right, found.count, found.value, found.low, found.high
