"""A course is walked once: killed it goes on, finished it stays, and nobody else's file is written over."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from snellen._errors import UsageError
from snellen.findings.interval import wilson
from snellen.nets.saved import Saved, read_saved
from snellen.puzzles.arranger import NetworkScorer
from snellen.puzzles.convention import Convention
from snellen.puzzles.edges import edge_scores
from snellen.puzzles.grid import Grid
from snellen.puzzles.load import Puzzles
from snellen.puzzles.measure import measure
from snellen.puzzles.pieces import cut, join, shuffled
from snellen.training import course, deshuffle, fit, rotate
from snellen.training.augment import Views
from snellen.training.checkpoint import checkpoint_path
from snellen.training.course import deshuffler, finished, rate, rotation, sentence
from snellen.training.sources import Source, from_puzzles

SHORT = deshuffle.Settings(steps=4, batch=4)
TURNS = rotate.Settings(steps=4, batch=4)


def images(n: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    slopes = torch.rand(2, n, 3, 1, 1, generator=generator) * 200 - 100
    line = torch.arange(16) / 16
    planes = slopes[0] * line[:, None] + slopes[1] * line + 128
    return (planes + torch.rand(n, 3, 16, 16, generator=generator) * 10).clamp(0, 255).to(torch.uint8)


@pytest.fixture
def source() -> Source:
    return planes()


def planes() -> Source:
    return Source(Views(images(16), (16, 16)), images(6, 1), name="planes")


@pytest.fixture
def puzzles() -> Source:
    whole = images(40)
    order = torch.stack([torch.randperm(4, generator=torch.Generator().manual_seed(i)) for i in range(40)])
    mixed = join(shuffled(cut(whole, Grid(2, 2)), order), Grid(2, 2)).permute(0, 2, 3, 1).numpy()
    permutations = order.numpy().copy()
    permutations[30:] = -1
    convention = Convention("belongs-at", "given")
    return from_puzzles(Puzzles(mixed, permutations, Grid(2, 2), convention=convention, name="planes.npz"), seed=0)


def same(one: Saved, other: Saved) -> bool:
    states = one.module.state_dict(), other.module.state_dict()
    return all(torch.equal(states[0][name], states[1][name]) for name in states[0]) and one.story == other.story


Walk = Callable[[Source, Path], Saved]
WALKS: dict[str, Walk] = {
    "deshuffle": lambda source, out: deshuffler(source, SHORT, out),
    "rotate": lambda source, out: rotation(source, TURNS, out),
}


@pytest.mark.parametrize("task", WALKS)
def test_a_finished_course_is_not_walked_again(
    task: str, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "deep" / "net.safetensors"
    first = WALKS[task](source, out)
    assert first.task == task
    assert list(out.parent.iterdir()) == [out]
    written = out.read_bytes()
    checkpoint_path(out).write_bytes(b"left by a kill between the file and this")
    monkeypatch.setattr(deshuffle, "fit", None)
    monkeypatch.setattr(rotate, "fit", None)
    again = WALKS[task](source, out)
    assert same(first, again)
    assert out.read_bytes() == written
    assert list(out.parent.iterdir()) == [out]
    assert same(read_saved(out), first)


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Saved]:
    """What comes of each course when nothing kills it."""
    folder = tmp_path_factory.mktemp("whole")
    return {task: walk(planes(), folder / f"{task}.safetensors") for task, walk in WALKS.items()}


@pytest.mark.parametrize("task", WALKS)
@pytest.mark.parametrize("during", ["training", "measuring"])
def test_a_course_that_was_killed_goes_on(
    task: str,
    during: str,
    walked: dict[str, Saved],
    source: Source,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = walked[task]
    out = tmp_path / "killed.safetensors"
    module = {"deshuffle": deshuffle, "rotate": rotate}[task]
    plain = module.fit

    def every_step(*args: object, **kwargs: object) -> object:
        return plain(*args, **{**kwargs, "checkpoint_every": 1})  # type: ignore[arg-type]

    def killed(step: int, **kwargs: int) -> Tensor:
        if step == 3:
            raise KeyboardInterrupt
        return rows_of(step, **kwargs)

    def refused(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    rows_of = module.rows_of
    monkeypatch.setattr(fit, "CHEAP", math.inf)  # on a busy machine a checkpoint may cost too much to write another
    with monkeypatch.context() as patch:
        patch.setattr(module, "fit", every_step)
        if during == "training":
            patch.setattr(module, "rows_of", killed)
        else:
            patch.setattr(course, "measure", refused)
            patch.setattr(rotate, "told_apart", refused)
        with pytest.raises(KeyboardInterrupt):
            WALKS[task](source, out)
    assert checkpoint_path(out).exists()
    assert not out.exists()
    done: list[int] = []
    settings = {"deshuffle": SHORT, "rotate": TURNS}[task]
    walk = {"deshuffle": deshuffler, "rotate": rotation}[task]
    saved = walk(source, settings, out, progress=lambda _stage, step, _total: done.append(step))  # type: ignore[operator]
    assert done == [4]
    assert not checkpoint_path(out).exists()
    one, other = saved.module.state_dict(), whole.module.state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert saved.story["losses"] == whole.story["losses"]


def test_another_commands_file_is_never_written_over(source: Source, tmp_path: Path) -> None:
    out = tmp_path / "net.safetensors"
    deshuffler(source, SHORT, out)
    before = out.read_bytes()
    others: list[tuple[Callable[[], object], str]] = [
        (lambda: deshuffler(source, deshuffle.Settings(steps=5, batch=4), out), r"other steps"),
        (lambda: rotation(source, TURNS, out), "other.* task"),
        (lambda: deshuffler(Source(Views(images(16, 2), (16, 16)), images(6), name="x"), SHORT, out), "other data"),
    ]
    for walk, said in others:
        with pytest.raises(UsageError, match=f"there already and was not trained by this command .*{said}"):
            walk()
    assert out.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"precious notes"])
def test_a_file_that_is_none_of_ours_is_never_written_over(content: bytes, source: Source, tmp_path: Path) -> None:
    out = tmp_path / "notes.safetensors"
    out.write_bytes(content)
    with pytest.raises(UsageError, match="give another --out, or delete it"):
        deshuffler(source, SHORT, out)
    assert out.read_bytes() == content
    save_file({"w": torch.ones(1)}, out)
    with pytest.raises(UsageError, match="not trained by this command; give another"):
        rotation(source, TURNS, out)


def test_what_is_finished(source: Source, tmp_path: Path) -> None:
    out = tmp_path / "net.safetensors"
    assert finished(out, {}) is None
    rotation(source, TURNS, out)
    assert finished(out, {}) is not None
    assert finished(out, TURNS.command) is not None
    with pytest.raises(UsageError, match="other seed"):
        finished(out, {"seed": 1})


@pytest.mark.parametrize("name", ["net.pt", "net", "folder.safetensors"])
def test_an_out_that_nobody_could_load_is_refused_before_the_training(
    name: str, source: Source, tmp_path: Path
) -> None:
    (tmp_path / "folder.safetensors").mkdir()
    with pytest.raises(UsageError, match=r"--out is the file to write, such as network\.safetensors"):
        deshuffler(source, SHORT, tmp_path / name)


def test_what_was_measured_is_told(source: Source, tmp_path: Path) -> None:
    saved = deshuffler(source, SHORT, tmp_path / "net.safetensors")
    for name, scorer in (("held_back", NetworkScorer(saved)), ("held_back_edges", edge_scores)):
        found = measure(scorer, source.held, Grid(2, 2))
        told = saved.story[name]
        assert (told["right"], told["asked"]) == (found.images, 6)
        assert told["accuracy"] == found.images / 6
        assert told["pieces"] == found.pieces / 24
        assert (told["low"], told["high"]) == wilson(found.images, 6)
    assert saved.story["data"] == "planes"
    turned = rotation(source, TURNS, tmp_path / "turns.safetensors").story["held_back"]
    assert turned == rate(*rotate.told_apart(read_saved(tmp_path / "turns.safetensors"), source.held))
    assert turned["asked"] == 24


def test_a_gap_is_measured_at_its_smallest(source: Source, tmp_path: Path) -> None:
    settings = deshuffle.Settings(steps=2, batch=4, gap=(2, 4))
    saved = deshuffler(source, settings, tmp_path / "net.safetensors")
    assert saved.story["held_back_edges"]["right"] == measure(edge_scores, source.held, Grid(2, 2), gap=2).images


@pytest.mark.parametrize("sure", [0.0, 1.1], ids=["all", "none"])
def test_pseudo_labels_are_a_second_course_beside_the_first(
    sure: float, puzzles: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(course, "SURE", sure)
    out = tmp_path / "net.safetensors"
    second = deshuffler(puzzles, SHORT, out, pseudo_labels=True)
    first = read_saved(tmp_path / "net.first.safetensors")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["net.first.safetensors", "net.safetensors"]
    added = 10 if sure == 0 else 0
    assert second.story["pseudo_labels"] == {
        "added": added,
        "of": 10,
        "probability_at_least": sure,
        "before": first.story["held_back"],
    }
    assert (first.story["images"], second.story["images"]) == (27, 27 + added)
    assert second.story["held_back"]["asked"] == first.story["held_back"]["asked"] == 3
    command = second.story["command"]
    assert (command["steps"], command["learning_rate"]) == (2, 1e-3)
    assert command["start"]
    assert first.story["command"]["start"] is None
    monkeypatch.setattr(deshuffle, "fit", None)
    assert same(deshuffler(puzzles, SHORT, out, pseudo_labels=True), second)


def test_pseudo_labels_need_lost_permutations(source: Source, puzzles: Source, tmp_path: Path) -> None:
    for without in (source, from_puzzles(all_known(puzzles), seed=0)):
        with pytest.raises(UsageError, match="pseudo-labels are for puzzles whose permutation is lost"):
            deshuffler(without, SHORT, tmp_path / "net.safetensors", pseudo_labels=True)
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_of_pseudo_labels_is_found_before_the_first_training(puzzles: Source, tmp_path: Path) -> None:
    out = tmp_path / "net.safetensors"
    rotation(puzzles, TURNS, out)
    with pytest.raises(UsageError, match="there already"):
        deshuffler(puzzles, SHORT, out, pseudo_labels=True)
    assert list(tmp_path.iterdir()) == [out]


def all_known(source: Source) -> Puzzles:
    puzzles = source.puzzles
    assert puzzles is not None
    return Puzzles(
        puzzles.images[:30], puzzles.permutations[:30].astype(np.int64), puzzles.grid, convention=puzzles.convention
    )


def test_a_rate_is_told_with_its_interval() -> None:
    assert sentence(rate(991, 1000)) == "991 of 1000 (99.1 %, 98.3 to 99.5)"
    assert rate(0, 0) == {"right": 0, "asked": 0, "accuracy": 0.0, "low": 0.0, "high": 1.0}
