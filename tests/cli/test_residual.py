"""``snellen residual``: what it says, what it writes, and what it refuses."""

import json
from pathlib import Path

from typer.testing import Result

from workbench import refused, snellen

EXAM = '''"""The subnet of an exam."""

from torch import nn


class subnet(nn.Module):  # noqa: N801
    def __init__(self):
        super().__init__()
        self.convblock3, self.strangeblock1 = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 1)
        self.convblock9, self.wide = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 6, 3, stride=2, padding=1)

    def forward(self, x):
        x = self.convblock3(x)
        x = self.strangeblock1(x)  # strange
        x = self.convblock9(x)
        x = self.wide(x)

        return x
'''


def test_the_two_lines_of_the_exam(bench: Path) -> None:
    (bench / "exam.py").write_text(EXAM)
    command = ("residual", "exam.py:subnet", "--from", "strangeblock1", "--to", "convblock9", "--input", "3x8x8")
    result = snellen(*command, "--write", "new.py", "--json", "told.json")
    assert result.exit_code == 0, result.output
    old, new = EXAM.splitlines(), (bench / "new.py").read_text().splitlines()
    assert [line for line in new if line not in old] == ["        residual = x", "        x = x + residual"]
    assert [line for line in new if "residual" not in line] == old
    for line in ("shapes      4 x 8 x 8 -> 4 x 8 x 8", "projection  none: the input itself", "+        residual = x"):
        assert line in result.stdout
    told = json.loads((bench / "told.json").read_text())
    assert (told["layer"], told["parameters_added"], told["class"]) == ("identity", 0, "subnet")
    assert told["note"] == "subnet has the connection"
    again = snellen("residual", "new.py:subnet", "--from", "convblock3", "--to", "wide", "--input", "3x8x8")
    assert again.exit_code == 0, again.output
    assert "Conv2d(3, 6, kernel_size=(1, 1), stride=(2, 2), bias=False), as shortcut" in again.stdout
    assert "+        residual_2 = x" in again.stdout
    assert (bench / "exam.py").read_text() == EXAM


def test_a_sequential_and_a_projection_of_zeros() -> None:
    result = snellen("residual", "nets.py:sure", "--from", "0", "--to", "1", "--input", "3x8x8")
    refused(result, 3, "no 1 x 1 projection brings (3, 8, 8)")
    result = snellen("residual", "nets.py:sure", "--from", "1", "--to", "1", "--input", "3x8x8", "--zero")
    assert result.exit_code == 0, result.output
    assert "class WithShortcut(nn.Sequential):" in result.stdout
    assert "nn.init.zeros_(self.shortcut.weight)" in result.stdout


def test_what_is_refused(bench: Path) -> None:
    (bench / "exam.py").write_text(EXAM)

    def run(start: str, end: str, *more: str) -> Result:
        return snellen("residual", "exam.py:subnet", "--from", start, "--to", end, *more)

    refused(run("strangeblock", "wide", "--input", "3x8x8"), 2, "did you mean strangeblock1")
    refused(run("wide", "convblock3", "--input", "3x8x8"), 3, "convblock3 has ended before wide begins")
    refused(run("wide", "wide", "--input", "1x8x8"), 3, "raised on an input")
    refused(run("wide", "wide", "--input", "3xx8"), 2, "--input")
    refused(run("wide", "wide", "--write", "exam.py"), 2, "not there yet")
    refused(run("wide", "wide", "--write", "page.html"), 2, "a Python file")
    assert (bench / "exam.py").read_text() == EXAM


def test_source_that_cannot_be_edited_is_told_and_not_written(bench: Path) -> None:
    loop = EXAM.replace("x = self.strangeblock1(x)  # strange", "x = getattr(self, 'strangeblock1')(x)")
    (bench / "exam.py").write_text(loop)
    command = ("residual", "exam.py:subnet", "--from", "strangeblock1", "--to", "convblock9", "--input", "3x8x8")
    result = snellen(*command)
    assert result.exit_code == 0, result.output
    assert "The source is not changed: the source of subnet does not name the call of strangeblock1" in result.stdout
    refused(snellen(*command, "--write", "new.py"), 3, "does not name the call")
    assert not (bench / "new.py").exists()
