"""How numbers are printed: few digits, the same number of decimals down a column, a true minus."""

import math
from collections.abc import Sequence

from snellen.findings.evidence import Cell

NOTHING = "–"


def number(value: float) -> str:
    """One number on its own: four significant digits, thousands apart.

    Example:
        >>> number(0.94651), number(138357544), number(float("nan"))
        ('0.9465', '138,357,544', 'NaN')
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if float(value).is_integer() and abs(value) < 1e15:
        text = f"{int(value):,}"
    elif abs(value) >= 1e4:
        text = f"{value:,.0f}" if abs(value) < 1e15 else f"{value:.3e}"
    else:
        text = f"{value:.4g}"
    return text.replace("-", "−")


def column(cells: Sequence[Cell]) -> tuple[str, ...]:
    """The cells of one column of a table; its floats have as many decimals as the largest of them needs.

    Example:
        >>> column([0.5, 0.25, None, "all"])
        ('0.500', '0.250', '–', 'all')
    """
    decimals = _decimals([c for c in cells if isinstance(c, float) and math.isfinite(c)])
    return tuple(_cell(c, decimals) for c in cells)


def is_numeric(cells: Sequence[Cell]) -> bool:
    """Whether a column holds numbers and nothing else, and is set flush right."""
    filled = [c for c in cells if c is not None]
    return bool(filled) and all(isinstance(c, (int, float)) for c in filled)


def _decimals(values: Sequence[float]) -> int | None:
    sizes = [abs(v) for v in values if v != 0]
    if not sizes:
        return 0 if values else None
    largest, smallest = max(sizes), min(sizes)
    decimals = 3 if largest <= 1 else max(0, 2 - math.floor(math.log10(largest)))
    return None if smallest < 10**-decimals or largest >= 1e7 else decimals


def _cell(cell: Cell, decimals: int | None) -> str:
    if cell is None:
        return NOTHING
    if isinstance(cell, (bool, str)):
        return {True: "yes", False: "no"}[cell] if isinstance(cell, bool) else cell
    if isinstance(cell, int) or decimals is None or not math.isfinite(cell):
        return number(cell)
    return f"{cell:,.{decimals}f}".replace("-", "−")
