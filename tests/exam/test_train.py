"""A whole course of training: audited first, resumable, its page drawn while it runs, the network written last."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lessons import archive, pictures, quick, small_set
from snellen._errors import InputError, UsageError
from snellen.exam import train as exam
from snellen.exam.train import Course, audited, train_classifier
from snellen.findings.evidence import Curve
from snellen.findings.findings import Findings
from snellen.nets.saved import read_saved
from snellen.training import fit
from snellen.training.classify import train
from snellen.training.dataset import Dataset, load_dataset
from snellen.training.lesson import prepare
from snellen.training.metrics import read_metrics
from snellen.training.range_test import range_test
from untouched import untouched


class Pages:
    """Takes the place of the report, and keeps what it was given."""

    def __init__(self) -> None:
        self.findings: list[Findings] = []

    def __call__(self, findings: Findings, folder: Path) -> None:
        self.findings.append(findings)
        (folder / "index.html").write_text("page")


def course(data: Dataset, out: Path, pages: Pages | None = None, **more: Any) -> Course:
    settings = quick(**more.pop("settings", {}))
    return train_classifier(data, settings, out, save=pages or Pages(), command="snellen train ...", **more)


def checks(findings: Findings) -> dict[str, str]:
    return {found.check: found.severity for found in findings}


def test_a_course_leaves_network_metrics_and_page(tmp_path: Path) -> None:
    pages, out = Pages(), tmp_path / "out"
    done = course(small_set(tmp_path), out, pages)
    assert sorted(path.name for path in out.iterdir()) == ["index.html", "metrics.jsonl", "network.safetensors"]
    assert [row["epoch"] for row in read_metrics(out / "metrics.jsonl")] == [1, 2]
    assert read_saved(out / "network.safetensors").story["measured"] == done.saved.story["measured"]
    first, last = pages.findings[0], pages.findings[-1]
    assert first.subject["so far"] == "1 of 2 epochs"
    assert "so far" not in last.subject
    assert [name for name in checks(last) if name.startswith("course/")] == [
        "course/result",
        "course/overfitting",
        "course/epochs",
        "course/learning_rate",
        "course/images",
        "course/settings",
    ]
    assert checks(last)["selection/looks"] == "ok"
    best = {found.check: found.measured.get("best_epoch") for found in last}["course/overfitting"]
    curves = [e for found in last for e in found.evidence if isinstance(e, Curve) and "best epoch" in e.marks]
    assert {curve.marks["best epoch"] for curve in curves} == {best}
    assert len(curves) == 3
    assert any(name.startswith("training/") for name in checks(last))
    assert last.run["command"] == "snellen train ..."


def test_given_again_it_does_nothing_and_another_command_is_refused(tmp_path: Path) -> None:
    data, out, pages = small_set(tmp_path), tmp_path / "out", Pages()
    course(data, out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert course(data, out, pages).there
    assert pages.findings == []
    with pytest.raises(UsageError, match=r"not trained by this command \(other epochs\)"):
        course(data, out, settings={"epochs": 3})
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_interrupted_in_the_middle_no_epoch_stands_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, out, more = small_set(tmp_path), tmp_path / "out", {"epochs": 3}
    course(data, tmp_path / "whole", settings=more)
    average, count = fit._average, iter(range(100))

    def interrupt(*arguments: Any) -> None:
        if next(count) == 14:  # in the third epoch; the last checkpoint is of the first, and two lines are written
            raise KeyboardInterrupt
        average(*arguments)

    write = fit.write_checkpoint
    with monkeypatch.context() as patch:
        patch.setattr(fit, "_average", interrupt)
        patch.setattr(fit, "write_checkpoint", lambda *a, **k: write(*a, **k) if k["step"] <= 8 else None)
        patch.setattr(exam, "train", lambda lesson, **k: train(lesson, checkpoint_every=4, **k))
        with pytest.raises(KeyboardInterrupt):
            course(data, out, settings=more)
    assert len(read_metrics(out / "metrics.jsonl")) == 2
    course(data, out, settings=more)

    def plain(folder: Path) -> list[Mapping[str, float]]:
        rows = read_metrics(folder / "metrics.jsonl")
        return [{k: v for k, v in row.items() if k != "seconds"} for row in rows]

    assert plain(out) == plain(tmp_path / "whole")
    assert read_saved(out / "network.safetensors").story["measured"]


def leaking(folder: Path) -> Dataset:
    """Validation images that are training images too."""
    images, labels = pictures(30)
    names = np.array(["dark", "light", "striped"])
    np.savez(folder / "val.npz", images=images[:6], labels=labels[:6], class_names=names)
    return load_dataset(str(archive(folder / "d.npz", 30)), val=str(folder / "val.npz"))


def test_an_error_of_the_audit_stops_it_unless_forced(tmp_path: Path) -> None:
    data, out, pages = leaking(tmp_path), tmp_path / "out", Pages()
    with pytest.raises(InputError, match=r"nothing was trained. Training images in val: .*6 by their pixels.*--force"):
        course(data, out)
    assert not (out / "network.safetensors").exists()
    course(data, out, pages, force=True)
    assert checks(pages.findings[-1])["training/leakage"] == "error"


def test_the_audit_changes_nothing_and_finds_no_fault_with_our_own_set_up(tmp_path: Path) -> None:
    lesson = prepare(small_set(tmp_path), quick(mixup=0.5, smoothing=0.1))
    with untouched(lesson.module):
        found = audited(lesson)
    assert found.errors == ()


def test_a_learning_rate_is_found_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, out, pages, more = small_set(tmp_path), tmp_path / "out", Pages(), {"learning_rate": None}
    monkeypatch.setattr(exam, "range_test", lambda *a, **k: range_test(*a, **k, steps=12))
    done = course(data, out, pages, auto=True, settings=more)
    kept = json.loads((out / "range_test.json").read_text())["found"]
    assert done.saved.story["command"]["learning_rate"] == kept["chosen"]
    (finding,) = [f for f in pages.findings[-1] if f.check == "course/learning_rate"]
    assert finding.measured["learning_rate"] == kept["chosen"]
    monkeypatch.setattr(exam, "range_test", lambda *_, **__: pytest.fail("a second range test"))
    assert course(data, out, auto=True, settings=more).there
    (out / "network.safetensors").unlink()
    assert not course(data, out, auto=True, settings=more).there


def test_a_page_of_somebody_else_stays(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("mine")
    with pytest.raises(UsageError, match="holds a page that no training wrote"):
        course(small_set(tmp_path), tmp_path)
    assert (tmp_path / "index.html").read_text() == "mine"
    with pytest.raises(UsageError, match=r"--out is a folder .* is a file"):
        course(small_set(tmp_path), tmp_path / "index.html")


def test_event_files_hold_every_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written where the course says; how it is written is tested with the writer itself."""
    written: list[int] = []

    class Events:
        def __init__(self, folder: Path) -> None:
            assert folder == tmp_path / "out" / "tensorboard"

        def write(self, rows: Sequence[Mapping[str, float]]) -> None:
            written.append(len(rows))

    monkeypatch.setattr(exam, "EventFiles", Events)
    course(small_set(tmp_path), tmp_path / "out", tensorboard=True)
    assert written == [1, 2]
