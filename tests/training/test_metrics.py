"""One line an epoch, never twice, whatever a killed run left behind."""

import json
from pathlib import Path

import pytest

from snellen.training.metrics import read_metrics, write_metrics

ROWS = [{"epoch": float(i), "val_loss": 1 / i} for i in range(1, 5)]


def test_a_row_is_added_to_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    write_metrics(path, ROWS[:1])
    with path.open(encoding="utf-8") as reader:  # somebody who follows the file sees the new lines
        assert len(reader.readlines()) == 1
        for n in (2, 3):
            write_metrics(path, ROWS[:n])
            assert [json.loads(line) for line in reader.readlines()] == [ROWS[n - 1]]
    assert read_metrics(path) == ROWS[:3]


@pytest.mark.parametrize(
    "left", ["", "no json", "".join(json.dumps(r) + "\n" for r in ROWS), json.dumps(ROWS[0]) + "\n" + '{"epo']
)
def test_what_a_killed_run_left_is_mended(tmp_path: Path, left: str) -> None:
    path = tmp_path / "m.jsonl"
    path.write_text(left)
    write_metrics(path, ROWS[:2])
    assert read_metrics(path) == ROWS[:2]
    assert [*tmp_path.iterdir()] == [path]


def test_a_line_that_is_cut_off_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_text(json.dumps(ROWS[0]) + "\n" + json.dumps(ROWS[1])[:-3])
    assert read_metrics(path) == ROWS[:1]


def test_numbers_that_are_none_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        write_metrics(tmp_path / "m.jsonl", [{"val_loss": float("nan")}])
