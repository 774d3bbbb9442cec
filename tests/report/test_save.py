"""Saving: all or nothing, nobody else's files, every array where the document says it is."""

import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snellen.report.save as save_module
from drawn_once import draw_once
from report.synthetic import findings, gallery
from snellen._errors import UsageError
from snellen.findings.evidence import Gallery
from snellen.findings.finding import Finding
from snellen.findings.findings import Findings
from snellen.report.arrays import stored_arrays
from snellen.report.save import check_destination, save


@pytest.fixture(autouse=True)
def _charts(monkeypatch: pytest.MonkeyPatch) -> None:
    draw_once(monkeypatch)


def _tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def _interrupted(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def test_every_array_is_where_the_document_says(tmp_path: Path) -> None:
    assert findings().save(tmp_path / "a" / "report") == tmp_path / "a" / "report" / "index.html"
    folder = tmp_path / "a" / "report"
    document = json.loads((folder / "findings.json").read_text())
    tile = document["findings"][3]["evidence"][0]["tiles"][3]
    seen, heat, _ = (p["stored"] for p in tile["pictures"])
    assert seen["array"] == "arrays/explanation-saliency/003-as-seen.npy"
    assert heat == {
        "shape": [3, 32, 32],
        "dtype": "float32",
        "array": "arrays/explanation-saliency/003-saliency.npy",
    }
    expected = gallery(14, size=32).tiles[3].pictures
    assert (np.load(folder / seen["array"]) == expected[0].pixels).all()  # type: ignore[union-attr]
    assert (np.load(folder / heat["array"]) == expected[1].raw).all()
    assert (np.load(folder / "arrays/accuracy-top1/matrix-confusion.npy") == [[40, 2, 0], [1, 30, 0], [0, 9, 18]]).all()
    listed = set(re.findall(r'"(arrays/[^"]+)"', (folder / "findings.json").read_text()))
    assert set(_tree(folder)) == {"index.html", "findings.json", *listed}
    assert list((tmp_path / "a").iterdir()) == [folder]


def test_names_of_arrays_are_safe_and_no_two_alike() -> None:
    tiles = gallery(2, size=8).tiles
    twins = Findings(
        tuple(
            Finding(check, "ok", "t", "s", evidence=(Gallery("g", (tiles[i], gallery(1, size=8).tiles[0])),))
            for i, check in enumerate(("../../etc/passwd", "../../ETC/passwd"))
        )
    )
    files = [stored.file for stored in stored_arrays(twins).values()]
    assert len(files) == len(set(files)) == 12
    assert all(re.fullmatch(r"arrays/etc-passwd(-2)?/\d{3}-[a-z-]+(-2)?\.npy", file) for file in files)


def test_an_earlier_report_is_replaced(tmp_path: Path) -> None:
    save(findings(), tmp_path / "report")
    (tmp_path / "report" / ".DS_Store").touch()
    save(Findings(()), tmp_path / "report")
    assert set(_tree(tmp_path / "report")) == {"index.html", "findings.json"}
    assert [p.name for p in tmp_path.iterdir()] == ["report"]


def test_an_empty_folder_is_used(tmp_path: Path) -> None:
    (tmp_path / "report").mkdir()
    assert save(findings(), tmp_path / "report").is_file()


@pytest.mark.parametrize("foreign", ["thesis.tex", "arrays/mine.npy", "arrays/accuracy-top1/mine.npy", "empty/"])
def test_nobody_elses_files_are_deleted(tmp_path: Path, foreign: str) -> None:
    save(findings(), tmp_path / "report")
    path = tmp_path / "report" / foreign
    path.mkdir() if foreign.endswith("/") else path.write_text("mine")
    before = _tree(tmp_path)
    with pytest.raises(UsageError, match=re.escape(foreign.rstrip("/"))):
        save(findings(), tmp_path / "report")
    assert _tree(tmp_path) == before


@pytest.mark.parametrize("document", ["{}", "[]", "no json", '{"schema": "other"}'])
def test_a_findings_json_of_somebody_else_is_no_report(tmp_path: Path, document: str) -> None:
    (tmp_path / "findings.json").write_text(document)
    with pytest.raises(UsageError, match="no earlier report"):
        check_destination(tmp_path)


def test_a_file_and_the_current_folder_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is a file"):
        check_destination(tmp_path / "file")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(UsageError, match="current folder"):
        check_destination(Path())


def test_where_nothing_can_be_made_is_refused_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"cannot be made: .*file is a file"):
        check_destination(tmp_path / "file" / "report")
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path) != tmp_path.resolve())
    with pytest.raises(UsageError, match="nothing may be put into"):
        check_destination(tmp_path / "deep" / "report")
    (tmp_path / "fine").mkdir()
    check_destination(tmp_path / "fine" / "report")


@pytest.mark.parametrize("where", ["np.save", "write_file"])
def test_an_interrupted_save_leaves_the_old_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    save(findings(), tmp_path / "report")
    before = _tree(tmp_path)
    owner = save_module.np if where == "np.save" else save_module
    monkeypatch.setattr(owner, where.rpartition(".")[2], _interrupted)
    with pytest.raises(KeyboardInterrupt):
        save(findings(), tmp_path / "report")
    assert _tree(tmp_path) == before
    with pytest.raises(KeyboardInterrupt):
        save(findings(), tmp_path / "new")
    assert [p.name for p in tmp_path.iterdir()] == ["report"]
