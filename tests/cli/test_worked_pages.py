"""Every output on the pages of worked exercises is what the command above it prints; the drawings too."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from workbench import snellen

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = [
    "exams/in5400-exercise-5.md",
    "exams/in5400-exercise-7.md",
    "exams/in5400-exercise-8.md",
    "methods/convolution-arithmetic.md",
    "methods/neuron-graphs.md",
]


def rounded(text: str) -> str:
    """The last digit of a double depends on the machine; that the difference is small is checked by the command."""
    return re.sub(r"difference \S+ \(", "difference ... (", text)


@pytest.mark.parametrize("page", PAGES)
def test_commands_print_what_the_page_says(page: str, bench: Path) -> None:
    for file in (DOCS / "exams").glob("in5400-exercise-*.t*"):
        shutil.copy(file, bench)
    text = (DOCS / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```\n+^```text\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert len(blocks) >= 2
    for commands, expected in blocks:
        said = ""
        for line in commands.splitlines():
            result = snellen(*shlex.split(line, comments=True)[1:])
            assert result.exit_code == 0, result.stderr
            said += result.stdout
        assert rounded(said) == rounded(expected), commands
    for drawing in bench.glob("*.svg"):
        kept = DOCS / Path(page).parent / drawing.name
        assert drawing.read_text(encoding="utf-8") == kept.read_text(encoding="utf-8")
