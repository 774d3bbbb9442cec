"""Every test of the command line stands in a folder of its own with a few small files."""

from pathlib import Path

import pytest

from drawn_once import draw_nothing, draw_once
from workbench import workbench


@pytest.fixture(autouse=True)
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(workbench(tmp_path))
    draw_once(monkeypatch)
    return tmp_path


@pytest.fixture
def undrawn(bench: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001  after it
    draw_nothing(monkeypatch)
