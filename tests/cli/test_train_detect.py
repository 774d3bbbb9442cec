"""``snellen train detect``: what is said, written, resumed and refused."""

import json
from pathlib import Path

import pytest

from rectangles import rectangles, yolo_folder
from snellen.nets.saved import read_saved
from snellen.training import fit
from workbench import refused, snellen

QUICK = ("--backbone", "small.safetensors", "--epochs", "2", "--batch-size", "8", "--val-share", "0.25")


@pytest.fixture(autouse=True)
def scenes(bench: Path) -> Path:
    """``red-green/``, 24 scenes of rectangles, and ``small.safetensors``, a classifier."""
    from snellen.nets.saved import Saved, write_saved
    from snellen.nets.small_vgg import SmallVGG

    settings = {"channels": 3, "widths": [4, 8], "side": 32, "hidden": 4}
    saved = Saved(SmallVGG(**settings), kind="small_vgg", settings=settings, task="classify", mean=(0.1,) * 3)  # type: ignore[arg-type]
    write_saved(saved, bench / "small.safetensors")
    return yolo_folder(rectangles(24), bench / "red-green")


@pytest.mark.usefixtures("undrawn")
def test_a_detector_is_trained_told_examined_and_used() -> None:
    words = ("train", "detect", "--data", "red-green", "--mode", "single", "--out", "out", *QUICK)
    done = snellen(*words)
    assert done.exit_code == 0, done.stderr
    assert "AP at an IoU of 0.5 " in done.stdout
    assert done.stdout.endswith(f"The page: {Path('out') / 'index.html'}\n")
    assert sorted(p.name for p in Path("out").iterdir()) == [
        "detector.safetensors",
        "findings.json",
        "index.html",
        "metrics.jsonl",
    ]
    saved = read_saved("out/detector.safetensors")
    assert (saved.task, saved.about["mode"], saved.about["class_names"]) == ("detect", "single", ["red", "green"])
    assert (saved.mean, saved.about["side"]) == ((0.1,) * 3, [32, 32])
    document = json.loads(Path("out/findings.json").read_text())
    checks = [found["check"] for found in document["findings"]]
    assert {"course/objectness", "course/detector_losses", "course/detector_setup"} <= set(checks)
    assert document["measured"]["empty_scenes"] == pytest.approx(0.2, abs=0.1)
    assert len(Path("out/metrics.jsonl").read_text().splitlines()) == 2
    assert snellen(*words).stdout.endswith("out was there already, trained by this command\n")
    refused(snellen(*words, "--seed", "3"), 2, "was not trained by this command")

    found = snellen("detect", "out/detector.safetensors", "red-green/images", "--score", "0", "--json", "-")
    assert found.exit_code == 0, found.stderr
    rows = json.loads(found.stdout)["detections"]
    assert [len(row["detections"]) for row in rows] == [1] * 24
    refused(snellen("examine", "out/detector.safetensors", "red-green/images"), 3, "snellen detect")


@pytest.mark.usefixtures("undrawn")
def test_the_words_of_the_command_reach_the_training() -> None:
    words = ("--lr", "0.002", "--shift", "0.1", "--zoom", "0.2", "--jitter", "0.1", "--flip", "--average", "0.5")
    first = ("train", "detect", "--data", "red-green", "--mode", "many", "--side", "48")
    done = snellen(*first, "--out", "fine", *QUICK, *words, "--seed", "7", "--limit", "20", "--quiet")
    assert (done.exit_code, done.stdout) == (0, ""), done.stderr
    command = read_saved("fine/detector.safetensors").story["command"]
    expected = {"mode": "many", "epochs": 2, "batch": 8, "learning_rate": 0.002, "shift": 0.1, "zoom": 0.2, "seed": 7}
    expected |= {"jitter": 0.1, "flip": True, "average": 0.5, "backbone": "small_vgg"}
    assert {name: command[name] for name in expected} == expected
    assert read_saved("fine/detector.safetensors").about["side"] == [48, 48]


@pytest.mark.usefixtures("undrawn")
def test_interrupted_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("train", "detect", "--data", "red-green", "--mode", "single", "--out", "out", *QUICK)
    average, count = fit._average, iter(range(100))

    def interrupt(*arguments: object) -> None:
        if next(count) == 3:
            raise KeyboardInterrupt
        average(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(fit, "_average", interrupt)
        stopped = snellen(*words)
    assert stopped.exit_code == 130
    assert "the same command goes on" in stopped.stderr
    assert snellen(*words).exit_code == 0


def test_what_cannot_be_trained_on_is_refused(bench: Path) -> None:
    first = ("train", "detect", "--out", "out", "--data")
    refused(snellen(*first, "red-green", "--mode", "multi"), 2, "no mode named 'multi'", "many, single")
    refused(snellen(*first, "nothing-here", "--mode", "single"), 2, "nothing is at nothing-here")
    refused(
        snellen(*first, "red-green", "--mode", "single", "--backbone", "vgg11b"), 2, "no backbone named", "vgg11_bn"
    )
    yolo_folder(rectangles(12, empty=1), bench / "empty")
    refused(snellen(*first, "empty", "--mode", "single"), 3, "holds an object", "give scenes with boxes")
    yolo_folder(rectangles(12, most=2, empty=0, seed=2), bench / "pairs")
    refused(snellen(*first, "pairs", "--mode", "single"), 2, "at most one object an image", "give --mode many")
    assert not Path("out").exists()
