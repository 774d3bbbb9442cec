"""The terminal: compared with tests/golden/findings.txt; ``RENEW=1 pytest tests/report/test_to_text.py`` writes it."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from report.synthetic import findings
from snellen.findings.findings import Findings
from snellen.report.to_text import render

_GOLDEN = Path(__file__).parents[1] / "golden" / "findings.txt"


def test_it_reads_as_it_did() -> None:
    text = render(findings(), width=80)
    if os.environ.get("RENEW"):
        _GOLDEN.write_text(text, encoding="utf-8")
    assert text == _GOLDEN.read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [30, 60, 80, 200])
def test_no_line_is_wider_than_asked_for(width: int) -> None:
    long = replace(next(iter(findings())), sentence="photos/" + "x" * 300)
    for line in render(Findings((long,)), width=width).splitlines():
        assert len(line) <= width


def test_colour_only_when_asked_for() -> None:
    assert "\x1b" not in render(findings(), width=80)
    assert "\x1b[" in render(findings(), width=80, colour=True)


def test_a_file_name_cannot_command_the_terminal() -> None:
    evil = replace(next(iter(findings())), sentence="\x1b[2J\x07[red]x[/red] \udcff :smile:", remedy="a\nb\x9b31m")
    text = render(Findings((evil,)), width=80)
    assert all(c.isprintable() or c == "\n" for c in text)
    assert r"\x1b[2J\x07[red]x[/red] \udcff :smile:" in text
    assert r"a b\x9b31m" in text


def test_nothing_found() -> None:
    assert render(Findings((), run={}), width=80) == "Nothing was examined.\n"
