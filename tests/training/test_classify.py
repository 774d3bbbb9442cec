"""A classifier learns, is the same network however often it was interrupted, and measures what it says."""

import copy
import os
import signal
from pathlib import Path

import pytest
import torch
from torch import Tensor

from apart import ALL, classified, killed_once_there
from lessons import small_lesson
from snellen._errors import InputError
from snellen.nets.saved import read_saved, write_saved
from snellen.nets.small_vgg import SmallVGG
from snellen.subject.load.network import load_network
from snellen.training import classify, fit, lesson
from snellen.training.adversarial import Adversary
from snellen.training.classify import Trained, train
from snellen.training.watch import Row


def state(trained: Trained) -> dict[str, Tensor]:
    return dict(trained.saved.module.state_dict())


def equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_it_learns_what_can_be_learned(tmp_path: Path) -> None:
    trained = train(small_lesson(tmp_path, epochs=5))
    assert trained.scores["val"].accuracy == 1
    assert trained.fitted.rows[-1]["train_loss"] < 0.2 * trained.fitted.rows[0]["train_loss"]
    assert trained.saved.about["class_names"] == ["dark", "light", "striped"]
    assert [row["epoch"] for row in trained.fitted.rows] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {**ALL, "optimizer": "sgd", "learning_rate": 0.01},
        {"patience": 1},
        {"adversary": Adversary(steps=2), "dropout": 0.2, "mixup": 0.5},
    ],
)
def test_interrupted_it_ends_with_the_same_bits_and_the_same_rows(
    tmp_path: Path, settings: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(small_lesson(tmp_path, epochs=3, **settings))
    told: list[list[Row]] = []
    for stop in (4, 11):
        lesson = small_lesson(tmp_path, epochs=3, **settings)
        with monkeypatch.context() as patch:
            patch.setattr(fit, "_average", interrupt_at(stop if stop == 4 else stop - 4, fit._average))
            with pytest.raises(KeyboardInterrupt):
                train(lesson, checkpoint=tmp_path / "c", checkpoint_every=2)
    lesson = small_lesson(tmp_path, epochs=3, **settings)
    parts = train(lesson, checkpoint=tmp_path / "c", checkpoint_every=2, told=lambda rows: told.append([*rows]))
    assert parts.fitted.resumed_at >= 8
    assert equal(state(whole), state(parts))
    rows = [[{k: v for k, v in row.items() if k != "seconds"} for row in t.fitted.rows] for t in (whole, parts)]
    assert rows[0] == rows[1]
    assert told[-1] == [*parts.fitted.rows]
    assert whole.scores == parts.scores
    assert equal(whole.seen, parts.seen)


def interrupt_at(step: int, then: object) -> object:
    count = iter(range(10_000))

    def averaged(*arguments: object) -> None:
        if next(count) == step:
            raise KeyboardInterrupt
        then(*arguments)  # type: ignore[operator]

    return averaged


def test_killed_it_ends_with_the_same_bits(tmp_path: Path) -> None:
    killed_once_there(tmp_path / "c", classified, tmp_path)
    parts = classified(tmp_path)
    assert parts.fitted.resumed_at > 0
    assert equal(state(parts), state(train(small_lesson(tmp_path, **ALL))))


def test_ctrl_c_leaves_a_checkpoint_of_the_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    average = fit._average

    def ask(*arguments: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        average(*arguments)  # type: ignore[arg-type]

    lesson = small_lesson(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(fit, "_average", ask)
        with pytest.raises(KeyboardInterrupt):
            train(lesson, checkpoint=tmp_path / "c", checkpoint_every=1000)
    signal.signal(signal.SIGINT, before)
    parts = train(small_lesson(tmp_path), checkpoint=tmp_path / "c")
    assert parts.fitted.resumed_at == 1
    assert equal(state(parts), state(train(small_lesson(tmp_path))))


def test_a_full_disk_ends_it_and_leaves_the_last_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lesson, path = small_lesson(tmp_path), tmp_path / "c"
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full_after(2, Path.write_bytes))
        with pytest.raises(InputError, match=r"step 3 cannot be written.*No space left.*the last one .* is whole"):
            train(lesson, checkpoint=path, checkpoint_every=1)
    assert [entry.name for entry in tmp_path.iterdir() if "partial" in entry.name] == []
    parts = train(small_lesson(tmp_path), checkpoint=path)
    assert parts.fitted.resumed_at == 2
    assert equal(state(parts), state(train(small_lesson(tmp_path))))


def full_after(count: int, then: object) -> object:
    calls = iter(range(10_000))

    def write(path: Path, data: bytes) -> int:
        if next(calls) >= count:
            then(path, data[: len(data) // 2])  # type: ignore[operator]
            raise OSError(28, "No space left on device")
        written: int = then(path, data)  # type: ignore[operator]
        return written

    return write


def test_the_file_is_the_network_that_was_measured(tmp_path: Path) -> None:
    lesson = small_lesson(tmp_path, flip=True)
    trained = train(lesson)
    path = write_saved(trained.saved, tmp_path / "network.safetensors")
    network, val = load_network(str(path)), lesson.data.val
    assert network.class_names == ("dark", "light", "striped")
    assert network.preprocessing.size == (16, 16)
    answers = network.logits(val.images.float() / 255).argmax(dim=1)
    assert int((answers == val.labels).sum()) == trained.scores["val"].right
    measured = read_saved(path).story["measured"]
    assert measured["val"] == {"right": trained.scores["val"].right, "asked": len(val)}
    assert set(measured) == {"train", "val", "val_mirrored"}


def test_a_vgg_is_trained_without_its_copies_and_kept_with_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here the small VGG stands for a large one, and a deep copy for the change of its first linear layer."""
    calls: list[tuple[str, torch.nn.Module, tuple[int, int]]] = []

    def change(name: str, module: torch.nn.Module, side: tuple[int, int]) -> torch.nn.Module:
        calls.append((name, module, side))
        return copy.deepcopy(module)

    monkeypatch.setattr(classify, "VGG", SmallVGG)
    monkeypatch.setattr(lesson, "VGG", SmallVGG)
    monkeypatch.setattr(lesson, "compact", lambda module, side: change("compact", module, side))
    monkeypatch.setattr(classify, "restored", lambda module, side: change("restored", module, side))
    taught = small_lesson(tmp_path)
    trained = train(taught)
    assert [(name, side) for name, _, side in calls] == [("compact", (16, 16)), ("restored", (16, 16))]
    assert calls[1][1] is taught.module is not calls[0][1]
    assert trained.saved.module is not taught.module
    assert equal(state(trained), dict(taught.module.state_dict()))


def test_it_stops_when_patience_is_at_its_end_and_keeps_the_best(tmp_path: Path) -> None:
    """At this rate the small VGG forgets what it knew."""
    lesson = small_lesson(tmp_path, epochs=12, patience=2, learning_rate=0.01)
    trained = train(lesson)
    losses = [row["val_loss"] for row in trained.fitted.rows]
    best = losses.index(min(losses))
    if len(losses) < 12:
        assert len(losses) - 1 - best == 2
        assert trained.fitted.steps == len(losses) * lesson.epoch
    assert trained.fitted.best == best
    assert trained.scores["val"].loss == pytest.approx(losses[best], abs=0.02)  # bfloat16 against float32


def test_too_little_memory_names_the_batch_that_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lesson = small_lesson(tmp_path)
    forward = type(lesson.module).forward

    def limited(module: torch.nn.Module, images: Tensor) -> Tensor:
        if len(images) > 5:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes")
        return forward(module, images)

    monkeypatch.setattr(type(lesson.module), "forward", limited)
    with pytest.raises(InputError, match=r"too small for a step of 8 images; --batch-size 4 fits"):
        train(lesson)


def test_a_training_that_diverges_is_ended(tmp_path: Path) -> None:
    with pytest.raises(fit.DivergedError, match=r"(diverged|became).*(--lr|learning rate below)"):
        train(small_lesson(tmp_path, epochs=40, optimizer="sgd", learning_rate=1e3))
