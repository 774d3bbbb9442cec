"""The recipe that made the network that Snellen ships."""

import os
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import Tensor

from snellen._errors import UsageError
from snellen.nets.small_vgg import SmallVGG
from snellen.subject.load.digits import digit_pixels
from snellen.training import digits as recipe


def few(count: int = 64) -> tuple[Tensor, Tensor]:
    pixels, labels = digit_pixels("train")
    return pixels[:count], labels[:count]


def watched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The parts that the recipe asks for; it is given a few digits of the training part instead."""
    asked: list[str] = []

    def instead(part: str) -> tuple[Tensor, Tensor]:
        asked.append(part)
        return few()

    monkeypatch.setattr(recipe, "digit_pixels", instead)
    return asked


@pytest.fixture(scope="module")
def trained() -> recipe.Trained:
    return recipe.train(*few(), epochs=1, seed=3)


def test_a_seed_decides_every_weight(trained: recipe.Trained) -> None:
    torch.rand(5)
    again, other = (recipe.train(*few(), epochs=1, seed=seed) for seed in (3, 4))
    weights = trained.network.module.state_dict()
    assert all(torch.equal(weights[k], v) for k, v in again.network.module.state_dict().items())
    assert trained.losses == again.losses
    assert trained.losses != other.losses


def test_the_global_generator_is_left_alone() -> None:
    before = torch.get_rng_state()
    recipe.train(*few(32), epochs=1)
    assert torch.equal(torch.get_rng_state(), before)
    with pytest.raises(ZeroDivisionError):
        recipe.train(*few(32), epochs=1, say=lambda _: 1 // 0)
    assert torch.equal(torch.get_rng_state(), before)


def test_no_epochs_and_no_digits_are_refused() -> None:
    with pytest.raises(UsageError, match="got 0 and 64"):
        recipe.train(*few(), epochs=0)
    with pytest.raises(UsageError, match="got 1 and 0"):
        recipe.train(*few(0), epochs=1)


def test_the_loss_goes_down_and_is_told() -> None:
    told: list[str] = []
    trained = recipe.train(*few(128), epochs=4, say=told.append)
    assert trained.losses[-1] < 0.8 * trained.losses[0]
    assert told[-1] == f"epoch  4 of 4: loss {trained.losses[-1]:.4f}"
    assert not trained.network.module.training


def test_augmentation_stays_a_picture_of_the_same_digit() -> None:
    pixels, _ = few()
    moved = recipe.augment(pixels, torch.Generator().manual_seed(0))
    assert moved.shape == pixels.shape
    assert moved.min() >= 0
    assert moved.max() <= 1
    assert not torch.equal(moved, pixels)
    kept = moved.sum(dim=(1, 2, 3)) / pixels.sum(dim=(1, 2, 3))
    assert kept.min() > 0.6
    assert kept.max() < 1.35


def test_augmentation_of_nothing_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for setting in ("ROTATION", "SCALE", "SHIFT"):
        monkeypatch.setattr(recipe, setting, 0.0)
    pixels, _ = few()
    torch.testing.assert_close(recipe.augment(pixels, torch.Generator()), pixels, atol=1e-5, rtol=0)


def test_a_shift_is_measured_in_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipe, "ROTATION", 0.0)
    monkeypatch.setattr(recipe, "SCALE", 0.0)
    dot = torch.zeros(200, 1, 32, 32)
    dot[:, :, 16, 16] = 1
    moved = recipe.augment(dot, torch.Generator().manual_seed(0))
    farthest = [(axis.nonzero() - 16).abs().max().item() for axis in (moved.sum((0, 1, 2)), moved.sum((0, 1, 3)))]
    assert farthest == [2, 2]


def test_the_file_holds_weights_and_their_story(
    trained: recipe.Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = watched(monkeypatch)
    path = tmp_path / "digits.safetensors"
    story = recipe.save(trained, path, seed=3)
    with safe_open(path, framework="pt") as file:
        assert file.metadata() == story
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  safe_open is no mapping
    SmallVGG().load_state_dict(weights)
    assert (story["seed"], story["epochs"], story["torch"]) == ("3", "1", torch.__version__)
    assert asked == ["test"]
    right = int((trained.network.logits(few()[0]).argmax(dim=1) == few()[1]).sum())
    assert float(story["held_out_accuracy"]) == right / 64


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_an_interrupted_write_leaves_the_old_file(
    broken: str, trained: recipe.Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched(monkeypatch)
    path = tmp_path / "digits.safetensors"
    path.write_bytes(b"old")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, broken, interrupt)
    with pytest.raises(KeyboardInterrupt):
        recipe.save(trained, path, seed=0)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_command_trains_on_the_training_part_and_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = watched(monkeypatch)
    path = tmp_path / "new" / "digits.safetensors"
    assert recipe.main(["--out", str(path), "--epochs", "1", "--seed", "5"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("epoch  1 of 1: loss ")
    assert lines[-1].startswith("held out: ")
    assert asked == ["train", "test"]
    assert path.stat().st_size < 2_000_000


def test_cross_validation_never_sees_the_test_part(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = watched(monkeypatch)
    assert recipe.main(["--cross-validate", "--epochs", "1"]) == 0
    assert asked == ["train"]
    assert " of 64 right" in capsys.readouterr().out
