"""``snellen inspect``: a table, findings, a page with a drawing."""

import json
from pathlib import Path

import pytest

from workbench import refused, snellen


def test_a_table_and_findings_in_the_terminal() -> None:
    result = snellen("inspect", "vgg11", "--input", "64")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    row = next(line for line in lines if line.split()[:1] == ["features.18"])
    assert " ".join(row.split()) == "features.18 Conv2d 512 x 4 x 4 2,359,808 37,748,736 32.8 kB 134 16 59"
    assert "1 MAC = 2 FLOP" in result.stdout
    assert not Path("inspection").exists()


def test_a_page_with_a_drawing_and_what_a_unit_sees(bench: Path) -> None:
    words = ("--layer", "0", "--unit", "2,2", "--images", "photos", "--out", "page", "--json", "found.json")
    result = snellen("inspect", "nets.py:toy", *words)
    assert result.exit_code == 0, result.output
    page = (bench / "page" / "index.html").read_text()
    assert 'class="wiring"' in page
    assert 'href="#row-0"' in page
    assert 'id="row-0"' in page
    document = json.loads((bench / "found.json").read_text())
    kinds = {e["type"] for f in document["findings"] for e in f["evidence"]}
    assert kinds >= {"table", "diagram", "gallery"}
    gallery = next(e for f in document["findings"] for e in f["evidence"] if e["type"] == "gallery")
    names = ["ant/0.png", "ant/1.png", "bee/2.png", "bee/3.png", "cat/4.png", "cat/5.png"]
    assert [tile["caption"] for tile in gallery["tiles"]] == names


SERIES = """from torch import nn


def series():
    return nn.Sequential(nn.BatchNorm1d(2), nn.Conv1d(2, 4, 5), nn.Flatten(), nn.Linear(64, 3))


def images():
    return nn.Sequential(nn.Flatten(), nn.Linear(60, 8), nn.BatchNorm1d(8))
"""


def test_a_network_of_one_axis_takes_channels_and_length(bench: Path) -> None:
    (bench / "series.py").write_text(SERIES)
    result = snellen("inspect", "series.py:series", "--input", "2x20", "--json", "found.json")
    assert result.exit_code == 0, result.output
    assert json.loads((bench / "found.json").read_text())["subject"]["input"] == "2 x 20"
    assert "4 x 16" in result.stdout
    for words in ((), ("--input", "20")):
        refused(snellen("inspect", "series.py:series", *words), 2, "one axis", "channels x length, such as 2x100")
    flat = snellen("inspect", "series.py:images", "--input", "4x5", "--json", "found.json")
    assert flat.exit_code == 0, flat.output
    assert json.loads((bench / "found.json").read_text())["subject"]["input"] == "3 x 4 x 5"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("vgg11", "--input", "3xbig"), 2, "--input must read like 3x224x224"),
        (("vgg11", "--layer", "featurs.0"), 2, "did you mean features.0"),
        (("vgg11", "--layer", "features.0", "--unit", "a"), 2, "--unit must be a row and a column"),
        (("nets.py:sure",), 2, "give --input 3x224x224"),
        (("nets.py:raising", "--input", "3x8x8"), 3, "raised on an input of shape (1, 3, 8, 8): ValueError"),
    ],
)
def test_what_cannot_be_inspected_is_named(words: tuple[str, ...], code: int, message: str) -> None:
    result = snellen("inspect", *words)
    assert result.exit_code == code
    assert message in result.stderr
