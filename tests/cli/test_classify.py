"""``snellen train classify``: what is said, written, resumed and refused."""

import json
import os
import re
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lessons import archive, pictures
from snellen._errors import UsageError
from snellen.cli.classify import read_rate
from snellen.nets.saved import read_saved
from snellen.training import fit
from workbench import refused, snellen

QUICK = ("--network", "small_vgg", "--epochs", "2", "--batch-size", "8")


@pytest.fixture(autouse=True)
def labelled(bench: Path) -> Path:
    """``pictures.npz``: 60 images of 16 x 16 of three classes."""
    return archive(bench / "pictures.npz")


def test_a_classifier_is_trained_told_and_examined(bench: Path) -> None:
    words = ("train", "classify", "--data", "pictures.npz", "--out", "out", *QUICK, "--epochs", "5")
    done = snellen(*words)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.endswith(f"The page: {Path('out') / 'index.html'}\n")
    (right, asked) = re.findall(r"^validation: (\d+) of (\d+) right$", done.stdout, re.MULTILINE)[0]
    page = Path("out/index.html").read_text()
    assert "<svg" in page
    assert "The sketch: when to stop" in page
    assert "https://" not in page.split("</style>")[1].replace("https://arxiv.org", "")
    document = json.loads(Path("out/findings.json").read_text())
    assert document["measured"]["val_accuracy"] == int(right) / int(asked)
    assert snellen(*words).stdout.endswith("out was there already, trained by this command\n")

    images, labels = pictures(30, seed=5)
    np.savez(bench / "new.npz", images=images, labels=labels, class_names=["dark", "light", "striped"])
    examined = snellen("examine", "out/network.safetensors", "new.npz", "--preset", "quick", "--json", "-")
    assert examined.exit_code == 0, examined.stderr
    assert json.loads(examined.stdout)["measured"]["accuracy"] > 0.9


@pytest.mark.usefixtures("undrawn")
def test_folders_of_photographs(bench: Path) -> None:
    rng = np.random.default_rng(0)
    for part, count in (("train", 6), ("val", 2)):
        for name in ("ant", "bee"):
            (bench / "set" / part / name).mkdir(parents=True)
            for i in range(count):
                pixels = rng.integers(0, 256, (20, 18 + i, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(bench / "set" / part / name / f"{i}.png")
    words = ("train", "classify", "--data", "set", "--out", "out", *QUICK)
    refused(snellen(*words), 2, "6 sizes", "--side 64")
    assert snellen(*words, "--side", "16").exit_code == 0
    saved = read_saved("out/network.safetensors")
    assert (saved.about["side"], saved.about["resize"], saved.about["class_names"]) == ([16, 16], 16, ["ant", "bee"])
    said = snellen("predict", "out/network.safetensors", "set/val", "--top", "2")
    assert said.exit_code == 0, said.stderr


@pytest.mark.usefixtures("undrawn")
def test_the_words_of_the_command_reach_the_training() -> None:
    words = (
        *("--init", "out/network.safetensors", "--lr", "0.002", "--optimizer", "sgd", "--weight-decay", "0.01"),
        *("--smoothing", "0.1", "--no-flip", "--shift", "1", "--cutout", "3", "--jitter", "0.1", "--mixup", "0.2"),
        *("--cutmix", "0.3", "--average", "0.5", "--patience", "4", "--dropout", "0.2", "--seed", "7"),
    )
    first = ("train", "classify", "--data", "pictures.npz", *QUICK)
    assert snellen(*first, "--out", "out").exit_code == 0
    done = snellen(*first, "--out", "fine", *words, "--val-share", "0.3", "--limit", "50", "--quiet")
    assert (done.exit_code, done.stdout) == (0, ""), done.stderr
    command = read_saved("fine/network.safetensors").story["command"]
    expected = {
        "learning_rate": 0.002,
        "optimizer": "sgd",
        "weight_decay": 0.01,
        "smoothing": 0.1,
        "flip": False,
        "shift": 1,
        "cutout": 3,
        "jitter": 0.1,
        "mixup": 0.2,
        "cutmix": 0.3,
        "average": 0.5,
        "patience": 4,
        "dropout": 0.2,
        "seed": 7,
        "network": "small_vgg",
        "epochs": 2,
        "batch": 8,
    }
    assert {name: command[name] for name in expected} == expected
    assert command["start"] is not None


@pytest.mark.usefixtures("undrawn")
def test_an_adversary_is_trained_against_and_the_page_says_what_is_withstood() -> None:
    words = ("train", "classify", "--data", "pictures.npz", "--out", "out", *QUICK, "--adversarial", "pgd")
    done = snellen(*words, "--eps", "4", "--adversarial-steps", "2")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("eps 4 is more than 1: read as levels, 4 of 255 (eps 0.01569)\n")
    ((right, asked),) = re.findall(r"^validation, attacked by PGD: (\d+) of (\d+) right$", done.stdout, re.MULTILINE)
    document = json.loads(Path("out/findings.json").read_text())
    assert document["measured"]["robust_accuracy"] == int(right) / int(asked)
    assert "pgd, 4 of 255 levels, 2 steps from a random start" in Path("out/index.html").read_text()
    command = read_saved("out/network.safetensors").story["command"]
    assert command["adversary"] == {"method": "pgd", "eps": 4 / 255, "steps": 2}
    refused(snellen(*words), 2, "not trained by this command (other adversary)")


@pytest.mark.usefixtures("undrawn")
def test_the_learning_rate_is_found() -> None:
    done = snellen("train", "classify", "--data", "pictures.npz", "--out", "out", *QUICK, "--lr", "auto")
    assert done.exit_code == 0, done.stderr
    assert "Learning-rate range test" in Path("out/index.html").read_text()


@pytest.mark.usefixtures("undrawn")
def test_interrupted_it_ends_with_130_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("train", "classify", "--data", "pictures.npz", "--out", "out", *QUICK)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    average = fit._average

    def ask(*arguments: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        average(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(fit, "_average", ask)
        refused(snellen(*words), 130, "interrupted; the same command goes on from the last checkpoint")
    signal.signal(signal.SIGINT, before)
    assert Path("out/network.safetensors.checkpoint").exists()
    assert snellen(*words).exit_code == 0
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "findings.json",
        "index.html",
        "metrics.jsonl",
        "network.safetensors",
    ]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--lr", "fast"), 2, "--lr must be a number such as 0.003, or auto, got 'fast'"),
        (("--lr", "-1"), 2, "learning_rate > 0"),
        (("--batch-size", "1"), 2, "BatchNorm (features.1 of small_vgg)"),
        (("--network", "vgg11_bn"), 3, "vgg11_bn takes images of at least 32 x 32 pixels, these are 16 x 16"),
        (("--network", "resnet"), 2, "did you mean resnet9"),
        (("--init", "nowhere.pt"), 3, "no weights file at nowhere.pt"),
        (("--val-share", "0.9"), 2, "above 0 and at most 0.5"),
        (("--average", "1"), 2, "0 <= average < 1"),
        (("--data", "nowhere"), 3, "nothing is at nowhere"),
        (("--optimizer", "adam"), 2, "did you mean adamw"),
        (("--val", "data.npz"), 3, "pixels (height x width)"),
        (("--adversarial", "fgsm"), 2, "adversarial training is by pgd, got 'fgsm'"),
        (("--eps", "8/255"), 2, "give --adversarial pgd too"),
        (("--adversarial", "pgd", "--eps", "8%"), 2, "such as 8/255, 0.031 or 8 (levels), got '8%'"),
    ],
)
def test_what_cannot_be_trained(words: tuple[str, ...], code: int, said: str) -> None:
    refused(snellen("train", "classify", "--data", "pictures.npz", "--out", "out", *QUICK, *words), code, said)
    assert not Path("out/network.safetensors").exists()


def test_rates() -> None:
    assert (read_rate(None), read_rate("auto"), read_rate("3e-3")) == ((None, False), (None, True), (0.003, False))
    with pytest.raises(UsageError, match="got ''"):
        read_rate("")


def test_event_files_are_asked_for_and_refused_where_there_is_no_tensorboard(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("train", "classify", "--data", "pictures.npz", "--out", "out", *QUICK, "--tensorboard")
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    refused(snellen(*words), 2, "pip install 'snellen[tensorboard]'")
    assert not Path("out").exists()
