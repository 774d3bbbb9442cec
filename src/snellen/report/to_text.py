"""Findings for the terminal: a mark and a sentence each, what to do where needed, the counts last."""

import io
import re

from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from snellen.findings.finding import SEVERITIES, Finding
from snellen.findings.findings import Findings
from snellen.report.marks import MARKS

_NARROWEST = 30
_MARK_WIDTH = 2 + max(len(mark.word) for mark in MARKS.values())


def render(findings: Findings, *, width: int = 80, colour: bool = False) -> str:
    """The findings as lines of at most ``width`` columns, with ANSI colours if ``colour``.

    Control characters in what the subject brought along (a file name, a class name) are made visible: they
    never reach the terminal.
    """
    buffer = io.StringIO()
    console = Console(
        file=buffer,
        width=max(width, _NARROWEST),
        force_terminal=colour,
        color_system="standard" if colour else None,
        no_color=not colour,
        legacy_windows=False,
    )
    console.print(Group(*(_finding(f) for f in findings), _tally(findings)))
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def _finding(finding: Finding) -> Padding:
    mark = MARKS[finding.severity]
    said = Text.assemble((f"{_visible(finding.title)}. ", "bold"), _visible(finding.sentence), overflow="fold")
    said.append(f" [{_visible(finding.check)}]", "dim")
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(width=_MARK_WIDTH, no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(Text(f"{mark.glyph} {mark.word}", mark.terminal_style), said)
    if finding.remedy and finding.severity in ("error", "warning"):
        grid.add_row("", Text.assemble(("→ ", mark.terminal_style), _visible(finding.remedy), overflow="fold"))
        return Padding(grid, (0, 0, 1, 0))
    return Padding(grid, 0)


def _tally(findings: Findings) -> Text:
    counts = [(MARKS[s].count(len(findings.of(s))), MARKS[s].terminal_style) for s in SEVERITIES if findings.of(s)]
    if not counts:
        return Text("Nothing was examined.")
    return Text(", ").join([Text(words, style) for words, style in counts]) + Text(".")


def _visible(text: str) -> str:
    """One line, in which an escape sequence is something to read and not something to obey."""
    flat = re.sub(r"\s+", " ", text)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in flat)
