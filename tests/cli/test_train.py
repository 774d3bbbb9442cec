"""``snellen train deshuffle|rotate``: what is said, written and refused."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from snellen._errors import UsageError
from snellen.cli.pretexts import read_gap
from snellen.nets.saved import read_saved
from snellen.puzzles.grid import Grid
from snellen.puzzles.pieces import cut, join, shuffled
from snellen.training import fit as loop
from workbench import refused, snellen

QUICK = ("--steps", "2", "--batch-size", "8")


@pytest.fixture(autouse=True)
def puzzles(bench: Path) -> Path:
    """``puzzles.npz``: 40 smooth images of 16 x 16, shuffled, the permutations of the last 10 lost."""
    generator = torch.Generator().manual_seed(0)
    line = torch.arange(16) / 16
    slopes = torch.rand(2, 40, 3, 1, 1, generator=generator) * 200 - 100
    whole = (slopes[0] * line[:, None] + slopes[1] * line + 128).clamp(0, 255).to(torch.uint8)
    order = torch.stack([torch.randperm(4, generator=generator) for _ in range(40)])
    mixed = join(shuffled(cut(whole, Grid(2, 2)), order), Grid(2, 2)).permute(0, 2, 3, 1).numpy()
    np.savez(bench / "puzzles.npz", images=mixed, permutations=order[:30].numpy())
    return bench / "puzzles.npz"


def test_a_deshuffler_is_trained_measured_and_used() -> None:
    arguments = ("train", "deshuffle", "--data", "puzzles.npz", "--out", "net.safetensors", *QUICK)
    done = snellen(*arguments)
    assert done.exit_code == 0, done.stderr
    assert "Held back, never trained on: " in done.stdout
    assert " of 3 (" in done.stdout
    assert "edges alone" in done.stdout
    assert done.stdout.endswith("Wrote net.safetensors\n")
    saved = read_saved("net.safetensors")
    assert (saved.task, saved.story["images"], saved.story["command"]["steps"]) == ("deshuffle", 27, 2)
    before = Path("net.safetensors").read_bytes()
    again = snellen(*arguments)
    assert again.exit_code == 0
    assert again.stdout.endswith("net.safetensors was there already, trained by this command; nothing was done\n")
    assert again.stdout.splitlines()[0] == done.stdout.splitlines()[0]
    refused(snellen(*arguments, "--seed", "1"), 2, "net.safetensors is there already", "other data, seed")
    assert Path("net.safetensors").read_bytes() == before
    said = snellen("predict", "net.safetensors", "puzzles.npz", "--top", "1", "--limit", "3")
    assert said.exit_code == 0, said.stderr
    for row in said.stdout.splitlines():
        answer = row.split(": ")[1].split()[:4]
        assert sorted(answer) == ["0", "1", "2", "3"]


def test_a_network_of_turns_is_trained_on_any_images() -> None:
    done = snellen("train", "rotate", "--data", "digits", "--limit", "30", "--out", "turns.safetensors", *QUICK)
    assert done.exit_code == 0, done.stderr
    assert " of 12 (" in done.stdout
    assert "turns told right.\nWrote turns.safetensors" in done.stdout
    said = snellen("predict", "turns.safetensors", "puzzles.npz", "--limit", "2", "--top", "4")
    assert all(f"{turn}°" in said.stdout for turn in (0, 90, 180, 270))


def test_the_words_of_the_command_reach_the_training() -> None:
    words = (
        "--model",
        "pairs",
        "--gap",
        "0-4",
        "--normalise-pieces",
        "--jitter",
        "0.1",
        "--grey",
        "0.5",
        "--lr",
        "0.001",
    )
    done = snellen("train", "deshuffle", "--data", "puzzles.npz", "--out", "n.safetensors", *QUICK, *words, "--quiet")
    assert (done.exit_code, done.stdout) == (0, "")
    command = read_saved("n.safetensors").story["command"]
    assert command["gap"] == [0, 4]
    assert (command["normalise_pieces"], command["jitter"], command["grey"]) == (True, 0.1, 0.5)
    assert (command["learning_rate"], command["batch"], command["seed"], command["grid"]) == (0.001, 8, 0, "2x2")


def test_pseudo_labels_leave_both_networks() -> None:
    out = ("--out", "net.safetensors", "--pseudo-labels")
    done = snellen("train", "deshuffle", "--data", "puzzles.npz", *out, *QUICK)
    assert done.exit_code == 0, done.stderr
    assert Path("net.first.safetensors").is_file()
    assert read_saved("net.safetensors").story["pseudo_labels"]["of"] == 10


def test_rotation_takes_an_archive_of_another_grid(bench: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (30, 9, 9, 3), dtype=np.uint8)
    np.savez(bench / "nine.npz", images=images, permutations=np.tile(np.arange(9), (30, 1)))
    arguments = ("train", "rotate", "--data", "nine.npz", "--out", "t.safetensors", *QUICK)
    assert snellen(*arguments).exit_code != 0
    assert snellen(*arguments, "--grid", "3x3").exit_code == 0


def test_photographs_of_several_sizes(bench: Path) -> None:
    rng = np.random.default_rng(0)
    (bench / "many").mkdir()
    for i in range(20):
        Image.fromarray(rng.integers(0, 256, (20, 18 + i, 3), dtype=np.uint8)).save(bench / "many" / f"{i}.png")
    arguments = ("train", "deshuffle", "--data", "many", "--out", "n.safetensors", *QUICK)
    refused(snellen(*arguments), 2, "20 sizes", "such as --side 96")
    refused(snellen(*arguments, "--side", "15"), 2, "15 pixels is not divided by a 2x2 grid")
    assert snellen(*arguments, "--side", "16").exit_code == 0


def test_an_interrupted_training_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    arguments = ("train", "deshuffle", "--data", "puzzles.npz", "--out", "n.safetensors", *QUICK)
    with monkeypatch.context() as patch:
        patch.setattr(loop, "_average", interrupt)
        refused(snellen(*arguments), 130, "interrupted; the same command goes on from the last checkpoint")
    assert not Path("n.safetensors").exists()
    assert snellen(*arguments).exit_code == 0


@pytest.mark.parametrize(("text", "gap"), [("4", (4, 4)), ("0-8", (0, 8)), (" 2 - 4 ", (2, 4)), ("0", (0, 0))])
def test_gaps(text: str, gap: tuple[int, int]) -> None:
    assert read_gap(text) == gap


@pytest.mark.parametrize("text", ["", "-4", "4-", "a", "1.5", "4--8", "0-8-10", "0x4", "²"])
def test_what_is_no_gap(text: str) -> None:
    with pytest.raises(UsageError, match="--gap must read like 4 or 0-8, in pixels, or auto, got"):
        read_gap(text)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--gap", "3"), 2, "gap must be even"),
        (("--gap", "8-2"), 2, "got 8-2"),
        (("--gap", "wide"), 2, "--gap must read like 4 or 0-8"),
        (("--gap", "8"), 2, "leave at least 2 pixels of pieces of 8 x 8"),
        (("--grid", "two"), 2, "a grid must read like 2x2"),
        (("--grid", "3x3"), 2, "(k, 9) for a 3x3 grid"),
        (("--model", "pair"), 2, "did you mean pairs"),
        (("--encoder", "resnet"), 2, "no encoder named 'resnet'"),
        (("--model", "classifier", "--gap", "0-4"), 2, "one gap"),
        (("--lr", "0"), 2, "learning_rate > 0"),
        (("--lr", "nan"), 2, "learning_rate > 0"),
        (("--side", "16"), 2, "leave --side and --limit out"),
        (("--out", "net.pt"), 2, "--out is the file to write, such as network.safetensors; got net.pt"),
        (("--out", "photos"), 2, "--out is the file to write"),
        (("--data", "absent"), 3, "nothing is at absent"),
        (("--data", "data.npz"), 3, "at least 20 images, data.npz has 12"),
        (("--data", "nets.py"), 2, "no images are read from .py"),
        (("--data", "digits", "--pseudo-labels", "--limit", "20"), 2, "pseudo-labels are for puzzles"),
        (("--images-key", "pictures"), 2, "no array in puzzles.npz named 'pictures'"),
        (("--permutations-key", "orders"), 2, "no array in puzzles.npz named 'orders'"),
    ],
)
def test_what_is_refused_and_how(words: tuple[str, ...], code: int, said: str, bench: Path) -> None:
    before = sorted(bench.iterdir())
    result = snellen("train", "deshuffle", "--data", "puzzles.npz", "--out", "n.safetensors", *QUICK, *words)
    refused(result, code, said)
    assert sorted(bench.iterdir()) == before


@pytest.mark.parametrize("words", [("--lr", "0"), ("--encoder", "resnet"), ("--out", "n.pt"), ("--data", "absent")])
def test_rotation_refuses_likewise(words: tuple[str, ...]) -> None:
    result = snellen("train", "rotate", "--data", "puzzles.npz", "--out", "n.safetensors", *QUICK, *words)
    assert result.exit_code in (2, 3)
    assert result.stderr.startswith("snellen: ")
    assert not Path("n.safetensors").exists()


@pytest.mark.parametrize(
    "words", [("--seed", "-1"), ("--batch-size", "1"), ("--steps", "0"), ("--jitter", "2"), ("--side", "1")]
)
def test_numbers_out_of_range_are_wrong_usage(words: tuple[str, ...]) -> None:
    result = snellen("train", "deshuffle", "--data", "digits", "--out", "n.safetensors", *words)
    assert result.exit_code == 2
    assert words[0] in result.stderr


def test_help_is_light() -> None:
    code = (
        "import sys\n"
        "from snellen.cli.main import main\n"
        "for verb in ([], ['deshuffle'], ['rotate'], ['classify']):\n"
        "    sys.argv = ['snellen', 'train', *verb, '--help']\n"
        "    try:\n        main()\n"
        "    except SystemExit as end:\n        assert not end.code\n"
        "heavy = {'torch', 'sklearn', 'pyarrow', 'scipy'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Usage") == 4
