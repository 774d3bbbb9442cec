"""``snellen unshuffle``: the file, the page, the words, and every bad input of an archive."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from puzzles.scenes import orders, scenes, shuffle
from shared import SHARED, needs_shared
from snellen.puzzles.grid import Grid
from snellen.puzzles.split import held_back
from snellen.report.schema import Document
from workbench import refused, snellen

GRID = Grid(2, 2)
ROWS = orders(60, GRID)
WHOLE = scenes(60)
MIXED = shuffle(WHOLE, ROWS, GRID)


def archive(**arrays: Any) -> str:
    np.savez("mixed.npz", **({"images": MIXED, "permutations": ROWS[:45]} | arrays))
    return "mixed.npz"


def test_the_file_the_page_and_the_words(bench: Path) -> None:
    result = snellen("unshuffle", archive(), "--out", "restored.npz", "--report", "page")
    assert result.exit_code == 0, result.stderr
    with np.load("restored.npz", allow_pickle=False) as file:
        assert np.array_equal(file["images"][:45], WHOLE[:45])
        assert np.array_equal(file["permutations"][:45], ROWS[:45])
        assert (file["permutations"] == ROWS).all(axis=1).mean() > 0.95
        assert file["known"].sum() == 45
    Document.model_validate_json((bench / "page/findings.json").read_bytes())
    text = " ".join(result.stdout.split())
    assert "The permutation is known of 45" in text or "the permutation is known of 45 and lost of 15" in text
    assert "belongs-at" in text
    assert "edge matching" in text
    assert "--train" in (bench / "page/index.html").read_text()
    assert "The restored images: restored.npz" in text


def test_json_to_standard_output_and_quiet() -> None:
    result = snellen("unshuffle", archive(), "--out", "r.npz", "--json", "-")
    assert json.loads(result.stdout)["measured"]["image_accuracy"] > 0.9
    assert not snellen("unshuffle", archive(), "--out", "r.npz", "--quiet").stdout.strip()


def test_the_same_seed_writes_the_same_arrays() -> None:
    for name in ("a.npz", "b.npz"):
        assert snellen("unshuffle", archive(), "--out", name, "--quiet", "--seed", "5").exit_code == 0
    with np.load("a.npz") as one, np.load("b.npz") as other:
        assert all(np.array_equal(one[name], other[name]) for name in one.files)


@pytest.mark.parametrize("grid", [Grid(3, 3), Grid(2, 3), Grid(4, 4)], ids=str)
def test_other_grids(grid: Grid) -> None:
    rows = orders(12, grid)
    images = scenes(12, 48, 48)
    np.savez("grid.npz", images=shuffle(images, rows, grid), permutations=rows[:6])
    result = snellen("unshuffle", "grid.npz", "--out", "r.npz", "--grid", str(grid), "--report", "page")
    assert result.exit_code == 0, result.stderr
    with np.load("r.npz") as file:
        assert np.array_equal(file["images"][:6], images[:6])
        assert (file["permutations"] == rows).mean() > 0.7
        assert str(file["grid"]) == str(grid)


def test_a_folder_without_permutations(bench: Path) -> None:
    from PIL import Image

    (bench / "mixed").mkdir()
    for i in range(4):
        Image.fromarray(MIXED[i]).save(bench / "mixed" / f"{i}.png")
    result = snellen("unshuffle", "mixed", "--out", "r.npz")
    assert result.exit_code == 0, result.stderr
    assert "cannot be measured" in " ".join(result.stdout.split())
    with np.load("r.npz") as file:
        assert file["images"].shape == (4, 24, 24, 3)


def test_another_convention_is_found_and_said() -> None:
    result = snellen("unshuffle", archive(permutations=ROWS[:45].argsort(axis=1)), "--out", "r.npz")
    assert "comes-from" in result.stdout
    with np.load("r.npz") as file:
        assert np.array_equal(file["permutations"][:45], ROWS[:45])


@pytest.mark.parametrize(
    ("arrays", "options", "code", "words"),
    [
        ({"images": MIXED[:, :23]}, (), 3, ("got 23 x 24", "Crop them to 22 x 24", "choose a grid")),
        ({"permutations": np.zeros((60, 4), int)}, (), 3, ("60 of 60 rows", "row 0 is 0 0 0 0", "row 4 is")),
        ({"images": MIXED + 0.5}, (), 3, ("from 0.5", "not whole")),
        ({"images": MIXED.astype(object)}, (), 3, ("pickled objects", "refused")),
        ({"images": MIXED[:3]}, (), 3, ("45 permutations for 3 images",)),
        ({}, ("--grid", "3x3"), 2, ("expected (k, 9)", "--grid")),
        ({}, ("--grid", "two"), 2, ("2x2",)),
        ({}, ("--images-key", "pixels"), 2, ("no array in mixed.npz named 'pixels'",)),
        ({}, ("--convention", "inverse"), 2, ("no convention named 'inverse'",)),
        ({}, ("--network", "absent.safetensors"), 3, ("no file at absent.safetensors",)),
        ({}, ("--network", "a.safetensors", "--train"), 2, ("both given",)),
        ({}, ("--out", "restored.txt"), 2, (".npz to write",)),
        ({}, ("--out", "mixed.npz"), 2, ("would be lost",)),
        ({}, ("--out", "folder.npz"), 2, ("is a folder",)),
        ({}, ("--report", "photos"), 2, ("holds what no earlier report",)),
        ({"permutations": ROWS[:9]}, ("--train",), 3, ("at least 20 puzzles", "edges alone")),
    ],
)
def test_bad_input(
    arrays: dict[str, Any], options: tuple[str, ...], code: int, words: tuple[str, ...], bench: Path
) -> None:
    (bench / "folder.npz").mkdir()
    before = sorted(p.name for p in bench.iterdir())
    name = archive(**arrays)
    refused(snellen("unshuffle", name, "--out", "r.npz", *options), code, *words)
    assert sorted({p.name for p in bench.iterdir()} - {"mixed.npz"}) == before


@pytest.mark.parametrize(
    "arrays",
    [
        {"images": MIXED.astype(np.float32)},  # floats of whole numbers from 0 to 255
        {"images": MIXED / 255},
        {"permutations": ROWS},  # all known
        {"permutations": ROWS[:1]},
        {"permutations": np.full((60, 4), np.nan)},
        {"images": MIXED[:1], "permutations": ROWS[:1]},
        {"images": MIXED[:1], "permutations": ROWS[:0]},
        {"images": np.full_like(MIXED, 9)},  # every piece like every other
    ],
    ids=["float 0-255", "float 0-1", "all known", "one known", "none known", "one image", "one lost", "flat"],
)
def test_unusual_input_that_works(arrays: dict[str, Any]) -> None:
    result = snellen("unshuffle", archive(**arrays), "--out", "r.npz", "--report", "page")
    assert result.exit_code == 0, result.stderr
    with np.load("r.npz") as file:
        images = arrays.get("images", MIXED)
        assert file["images"].shape == images.shape
        assert file["images"].dtype == np.uint8
        if "permutations" not in arrays and "images" in arrays and images.max() > 0 and len(images) == 60:
            expected = WHOLE[:45] if images.std() > 0 else images[:45]
            assert np.array_equal(file["images"][:45], expected)


def untrained(grid: str = "2x2", task: str = "deshuffle") -> None:
    """``net.safetensors``: random weights, and a story that says by which seed puzzles were held back."""
    from snellen.nets.deshuffler import Deshuffler
    from snellen.nets.saved import Saved, write_saved

    settings = {"encoder": "small", "positions": Grid.parse(grid).pieces}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        module = Deshuffler(**settings).eval()
    about = {"grid": grid, "gap": [0, 4], "normalise_pieces": False, "side": [24, 24]}
    story = {"recipe": "none", "command": {"seed": 9}, "images": 0}
    saved = Saved(module, kind="deshuffler", settings=settings, task=task, about=about, story=story)
    write_saved(saved, "net.safetensors")


def test_a_network_beside_edge_matching() -> None:
    """An untrained network guesses; it is judged on what its own seed held back, with edge matching beside it."""
    untrained()
    result = snellen("unshuffle", archive(), "--out", "r.npz", "--network", "net.safetensors", "--json", "-")
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    measured = document["measured"]
    assert measured["edge_image_accuracy"] > measured["image_accuracy"]
    assert {"accuracy_gap_0", "accuracy_gap_8", "edge_accuracy_gap_8"} <= set(measured)
    (accuracy,) = [f for f in document["findings"] if f["check"] == "puzzle/accuracy"]
    assert "On 5 known puzzles, which the network may have been trained on" in accuracy["sentence"]
    assert document["subject"]["network"] == "The network"


def test_a_classifier_is_asked_at_the_one_size_that_it_knows() -> None:
    from snellen.nets.saved import Saved, write_saved
    from snellen.nets.staged_classifier import StagedClassifier

    settings = {"classes": 24, "hidden": 8}
    about = {"grid": "2x2", "gap": [0, 0], "normalise_pieces": False, "side": [24, 24]}
    module = StagedClassifier(**settings).eval()  # type: ignore[arg-type]
    saved = Saved(module, kind="staged_classifier", settings=settings, task="deshuffle", about=about)
    write_saved(saved, "net.safetensors")
    result = snellen("unshuffle", archive(), "--out", "r.npz", "--network", "net.safetensors", "--json", "-")
    assert result.exit_code in (0, 1), result.stderr
    measured = json.loads(result.stdout)["measured"]
    assert "accuracy_gap_0" in measured
    assert "accuracy_gap_2" not in measured
    assert "edge_accuracy_gap_2" in measured


def test_a_network_is_judged_on_what_its_own_seed_held_back(monkeypatch: pytest.MonkeyPatch) -> None:
    from snellen.puzzles import unshuffle as module

    asked: list[list[int]] = []
    run = module.unshuffle

    def watched(*arguments: Any, held: Any, **options: Any) -> Any:
        asked.append(held.tolist())
        return run(*arguments, held=held, **options)

    monkeypatch.setattr(module, "unshuffle", watched)
    untrained()
    for options in (("--network", "net.safetensors"), ()):
        assert snellen("unshuffle", archive(), "--out", "r.npz", "--seed", "3", "-q", *options).exit_code == 0
    assert asked == [held_back(np.arange(45), seed=9)[1].tolist(), list(range(45))]


def test_training_first(bench: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``--train`` leaves the network beside the result, and the next run can be given it."""
    from snellen.training import deshuffle

    monkeypatch.setattr(deshuffle, "Settings", partial(deshuffle.Settings, steps=2, batch=8))
    result = snellen("unshuffle", archive(), "--out", "r.npz", "--train", "--json", "-")
    assert result.exit_code == 0, result.stderr
    first = json.loads(result.stdout)["measured"]
    assert (bench / "r.safetensors").is_file()
    again = snellen("unshuffle", archive(), "--out", "r2.npz", "--network", "r.safetensors", "--json", "-")
    assert json.loads(again.stdout)["measured"] == first
    for run in (result, again):
        (accuracy,) = [f for f in json.loads(run.stdout)["findings"] if f["check"] == "puzzle/accuracy"]
        assert "On 5 known puzzles that were held back from the training" in accuracy["sentence"]


@pytest.mark.parametrize(
    ("grid", "task", "code", "words"),
    [
        ("3x2", "deshuffle", 2, ("trained on 3x2 puzzles, these are 2x2", "--grid 3x2")),
        ("2x2", "rotate", 3, ("trained to de-shuffle, got one trained to rotate",)),
    ],
)
def test_networks_for_something_else(grid: str, task: str, code: int, words: tuple[str, ...]) -> None:
    untrained(grid, task)
    refused(snellen("unshuffle", archive(), "--out", "r.npz", "--network", "net.safetensors"), code, *words)


@needs_shared
def test_the_archive_of_the_exam() -> None:
    """A part of it: 900 known puzzles and 300 lost ones."""
    with np.load(SHARED / "data/home-exam/DataShuffled.npz") as file:
        images, known = file["images"], file["permutations"]
        lost = len(known)
        np.savez("exam.npz", images=np.r_[images[:900], images[lost : lost + 300]], permutations=known[:900])
    measured = json.loads(snellen("unshuffle", "exam.npz", "--out", "r.npz", "--json", "-").stdout)["measured"]
    assert measured["image_accuracy"] > 0.92
    assert measured["edge_accuracy_gap_4"] < 0.4
    assert measured["predicted"] == 300
