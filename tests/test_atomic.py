"""Files and folders are there whole or not at all."""

import os
from pathlib import Path
from typing import Any

import pytest

from snellen._atomic import new_folder, told, write_file


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def _fails(*_: Any) -> None:
    raise OSError("no space left on device")


def test_a_file_is_written_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "a.json"
    assert write_file(path, "one 猫\n") == path
    path.chmod(0o600)
    write_file(path, "broken \udcff\n")
    assert path.read_bytes() == b"broken \\udcff\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert _names(tmp_path / "sub") == ["a.json"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_file(tmp_path / "a", "old")
    monkeypatch.setattr(os, "fsync", _fails)
    with pytest.raises(OSError, match="no space"):
        write_file(tmp_path / "a", "new")
    assert (tmp_path / "a").read_text() == "old"
    assert _names(tmp_path) == ["a"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    write_file(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_what_is_no_file_is_written_straight() -> None:
    write_file("/dev/null", "x")
    assert not Path("/dev/null").is_file()


@pytest.mark.parametrize("failing", [1, 2])
def test_a_swap_that_fails_is_undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int) -> None:
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "old").touch()
    rename, calls = Path.rename, []

    def broken(self: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) == failing:
            raise OSError("busy")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", broken)
    with pytest.raises(OSError, match="busy"), new_folder(tmp_path / "f") as aside:
        (aside / "new").touch()
    assert _names(tmp_path) == ["f"]
    assert _names(tmp_path / "f") == ["old"]


def test_an_error_names_the_file_that_was_asked_for(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="partial") as caught:
        write_file(tmp_path / "f.json" / ".." / ("n" * 240 + ".json"), "x")
    assert told(caught.value) == f"{tmp_path.resolve() / ('n' * 240 + '.json')}: File name too long"
    assert told(OSError("busy")) == "busy"
