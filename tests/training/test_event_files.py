"""Every number of every row is an event once, whatever a killed run left; without tensorboard the reason is said."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from snellen._errors import UsageError
from snellen.training.event_files import EventFiles

ROWS = [{"epoch": i, "step": 9 * i, "val_loss": 1 / i, "val_accuracy": i / 8} for i in range(1, 5)]
WANTED = sorted((name, row["step"], row[name]) for row in ROWS for name in ("epoch", "val_loss", "val_accuracy"))
PACKAGE = "torch.utils.tensorboard"


class Writer:
    """Takes the place of SummaryWriter where tensorboard is not installed, and keeps its files as text."""

    def __init__(self, folder: str) -> None:
        Path(folder).mkdir(parents=True, exist_ok=True)
        names = len([*Path(folder).iterdir()])
        self.file = (Path(folder) / f"events.out.tfevents.{names}").open("w", encoding="utf-8")

    def add_scalar(self, name: str, value: float, step: int) -> None:
        self.file.write(f"{name} {step} {value!r}\n")

    def flush(self) -> None:
        self.file.flush()

    def close(self) -> None:
        self.file.close()


def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType(PACKAGE)
    module.SummaryWriter = Writer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, PACKAGE, module)


def told(folder: Path) -> list[tuple[str, int, float]]:
    lines = [line.split() for file in folder.iterdir() for line in file.read_text().splitlines()]
    return sorted((name, int(step), float(value)) for name, step, value in lines)


def test_every_row_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch)
    events = EventFiles(tmp_path / "tensorboard")
    assert not (tmp_path / "tensorboard").exists()
    for count in (1, 2, 2, 4):
        events.write(ROWS[:count])
        assert len(told(tmp_path / "tensorboard")) == 3 * count
    events.close()
    assert told(tmp_path / "tensorboard") == WANTED


def test_a_run_that_goes_on_writes_all_it_knows_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(monkeypatch)
    killed = EventFiles(tmp_path)
    killed.write(ROWS[:3])
    killed.close()
    (tmp_path / "notes.txt").touch()
    again = EventFiles(tmp_path)
    again.write(ROWS[:2])
    again.write(ROWS)
    again.close()
    (tmp_path / "notes.txt").unlink()
    assert told(tmp_path) == WANTED


def test_without_the_package_the_command_that_installs_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, PACKAGE, None)
    with pytest.raises(UsageError, match=r"pip install 'snellen\[tensorboard\]'"):
        EventFiles(tmp_path)


def test_tensorboard_reads_what_was_written(tmp_path: Path) -> None:
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = EventFiles(tmp_path)
    events.write(ROWS[:2])
    events.write(ROWS)
    events.close()
    read = reader.EventAccumulator(str(tmp_path))
    read.Reload()
    found = [(name, event.step, event.value) for name in read.Tags()["scalars"] for event in read.Scalars(name)]
    assert [(n, s) for n, s, _ in sorted(found)] == [(n, s) for n, s, _ in WANTED]
    assert [v for *_, v in sorted(found)] == pytest.approx([v for *_, v in WANTED], rel=1e-6)
