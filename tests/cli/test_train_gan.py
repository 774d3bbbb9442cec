"""``snellen train gan``: what is said, written, resumed and refused."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from gan_lessons import archive
from snellen.cli import train_gan
from snellen.nets.saved import read_saved
from snellen.training import gan
from workbench import refused, snellen

QUICK = ("--steps", "4", "--batch-size", "8", "--width", "2", "--latent", "16")


@pytest.fixture(autouse=True)
def pictures(bench: Path) -> Path:
    """``pictures.npz``: 40 grey images of 8 x 8 of three classes."""
    return archive(bench / "pictures.npz")


@pytest.mark.usefixtures("undrawn")
def test_a_generator_is_trained_examined_and_not_trained_twice() -> None:
    words = ("train", "gan", "--data", "pictures.npz", "--out", "out", *QUICK, "--upsample", "pixelshuffle")
    done = snellen(*words)
    assert done.exit_code == 0, done.stderr
    first, *_, last = done.stdout.splitlines()
    assert first == "4 x 4 to 8 x 8: Conv2d(4 to 8, kernel 3, stride 1, padding 1), PixelShuffle(factor 2)"
    assert last == f"The page: {Path('out') / 'index.html'}"
    rows = [json.loads(line) for line in Path("out/metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [1, 2, 3, 4]
    document = json.loads(Path("out/findings.json").read_text())
    areas = {finding["check"].split("/")[0] for finding in document["findings"]}
    assert areas == {"generation", "course"}, "what was seen of the samples, and how they came to be"
    assert document["measured"]["generator_parameters"] > 0
    assert not list(Path("out").glob("*.checkpoint"))
    before = Path("out/generator.safetensors").read_bytes()
    assert snellen(*words).stdout.endswith("out was there already, trained by this command\n")
    refused(snellen(*words, "--seed", "1"), 2, "not trained by this command (other seed)")
    assert Path("out/generator.safetensors").read_bytes() == before


@pytest.mark.usefixtures("undrawn")
def test_the_words_of_the_command_reach_the_training() -> None:
    done = snellen(
        *("train", "gan", "--data", "pictures.npz", "--out", "out", "--quiet", "--epochs", "1", "--batch-size", "20"),
        *("--discriminator", "critic", "--loss", "hinge", "--upsample", "bilinear", "--conditional", "--style"),
        *("--latent", "5", "--width", "1", "--lr", "0.01", "--critic-steps", "3", "--average", "0.5", "--flip"),
        *("--seed", "7", "--side", "16", "--limit", "39"),
    )
    assert (done.exit_code, done.stdout) == (0, ""), done.stderr
    command = read_saved("out/generator.safetensors").story["command"]
    del command["data"]
    assert command == {
        "task": "gan",
        "discriminator": "critic",
        "loss": "hinge",
        "upsample": "bilinear",
        "conditional": True,
        "style": True,
        "latent": 5,
        "width": 1,
        "steps": 1,
        "epochs": None,
        "batch": 20,
        "learning_rate": 0.01,
        "turns": 3,
        "average": 0.5,
        "flip": True,
        "seed": 7,
    }
    findings = json.loads(Path("out/findings.json").read_text())["findings"]
    told = {finding["check"]: finding["sentence"] for finding in findings}
    assert "at least 40 real images are needed" in told["generation/examination"], (
        "and the generator is there all the same"
    )
    saved = read_saved("out/discriminator.safetensors")
    assert saved.settings == {"side": 16, "channels": 1, "width": 2, "classes": 3, "spectral": True}


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """An interrupt is heard, also where the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("undrawn", "ctrl_c")
def test_an_interrupted_training_goes_on_and_ends_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("train", "gan", "--data", "pictures.npz", *QUICK)
    assert snellen(*words, "--out", "whole").exit_code == 0

    step, calls = gan.generator_step, iter(range(100))

    def interrupted(*arguments: object) -> dict[str, float]:
        if next(calls) == 1:
            os.kill(os.getpid(), signal.SIGINT)
        return step(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(gan, "generator_step", interrupted)
    done = snellen(*words, "--out", "parts")
    assert done.exit_code == 130
    assert "the same command goes on from the last checkpoint" in done.stderr
    assert Path("parts/generator.safetensors.checkpoint").exists()
    monkeypatch.setattr(gan, "generator_step", step)
    assert snellen(*words, "--out", "parts").exit_code == 0
    one, other = (read_saved(f"{folder}/generator.safetensors").module.state_dict() for folder in ("whole", "parts"))
    assert all(np.array_equal(one[key], other[key]) for key in one)


@pytest.mark.usefixtures("undrawn")
def test_a_training_that_diverges_says_so_and_writes_no_network() -> None:
    words = ("--discriminator", "critic", "--lr", "30", "--steps", "300", "--batch-size", "8", "--width", "2")
    done = snellen("train", "gan", "--data", "pictures.npz", "--out", "out", *words)
    refused(done, 2, "smaller learning rate, such as --lr")
    assert not Path("out/generator.safetensors").exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--loss", "hinge"), 2, "hinge is not one of a discriminator that gives a probability"),
        (("--discriminator", "critic", "--loss", "lsgan"), 2, "the score of a critic is none"),
        (("--side", "24"), 2, "it reaches 8, 16, 32, 64, 128"),
        (("--batch-size", "41"), 3, "take a --batch-size of at most 40"),
        (("--epochs", "2"), 2, "--steps and --epochs were both given"),
        (("--out", "pictures.npz"), 2, "is a folder for the networks"),
        (("--data", "nothing.npz"), 3, "nothing is at nothing.npz"),
        (("--upsample", "cubic"), 2, "no upsampling named 'cubic'"),
    ],
)
def test_what_cannot_be_trained_is_refused_at_once(words: tuple[str, ...], code: int, said: str) -> None:
    refused(snellen("train", "gan", "--data", "pictures.npz", "--out", "out", *QUICK, *words), code, said)
    assert not Path("out").exists()


def test_a_page_of_another_kind_is_not_overwritten(bench: Path) -> None:
    (bench / "out").mkdir()
    (bench / "out" / "index.html").write_text("mine")
    refused(snellen("train", "gan", "--data", "pictures.npz", "--out", "out", *QUICK), 2, "no training wrote")
    assert train_gan.gan.__doc__
