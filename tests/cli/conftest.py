"""Every test of the command line stands in a folder of its own with a few small files."""

from pathlib import Path

import pytest

from workbench import workbench


@pytest.fixture(autouse=True)
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(workbench(tmp_path))
    return tmp_path
