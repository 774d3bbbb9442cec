"""A table of evidence for the terminal."""

import io

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from snellen.findings.evidence import Table
from snellen.report.numerals import column, is_numeric


def table_text(table: Table, *, width: int = 100, colour: bool = False) -> str:
    """All rows as lines; numbers flush right. Cells are never cut, so that lines may be longer than ``width``.

    Example:
        >>> print(table_text(Table("t", ("layer", "MACs"), (("conv", 1944), ("fc", 8)))).rstrip())
        <BLANKLINE>
          layer    MACs
         ───────────────
          conv    1,944
          fc          8
    """
    columns = [[row[i] for row in table.rows] for i in range(len(table.columns))]
    printed = [column(cells) for cells in columns]
    widths = [max([len(name), *map(len, cells)]) for name, cells in zip(table.columns, printed, strict=True)]
    grid = Grid(box=SIMPLE_HEAD, show_edge=True, pad_edge=True)
    for name, cells in zip(table.columns, columns, strict=True):
        grid.add_column(name, justify="right" if is_numeric(cells) else "left", no_wrap=True)
    for row in zip(*printed, strict=True):
        grid.add_row(*(Text(_visible(cell)) for cell in row))
    buffer = io.StringIO()
    console = Console(
        file=buffer,
        width=max(width, sum(widths) + 3 * len(widths) + 3),
        force_terminal=colour,
        color_system="standard" if colour else None,
        no_color=not colour,
        legacy_windows=False,
    )
    console.print(grid)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def _visible(text: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
