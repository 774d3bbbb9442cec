"""A file of ``snellen train`` is a network as any other."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from snellen import Network, NetworkError, UsageError, load_network
from snellen.nets.deshuffler import Deshuffler
from snellen.nets.saved import Saved, write_saved
from snellen.nets.staged_classifier import StagedClassifier
from snellen.puzzles import arranger
from snellen.puzzles.arranger import NetworkScorer, arrangement_scores
from snellen.puzzles.grid import Grid
from snellen.puzzles.pieces import cut

MEAN, STD = (0.4, 0.5, 0.6), (0.25, 0.25, 0.5)


def deshuffler(grid: str = "2x2", **about: object) -> Saved:
    torch.manual_seed(0)
    settings = {"positions": Grid.parse(grid).pieces, "hidden": 16}
    told = {"grid": grid, "gap": [0, 0], "normalise_pieces": False, "side": [12, 12], **about}
    module = Deshuffler(**settings).eval()  # type: ignore[arg-type]
    story = {"recipe": "snellen.training.deshuffle", "images": 11_000}
    return Saved(
        module, kind="deshuffler", settings=settings, task="deshuffle", mean=MEAN, std=STD, about=told, story=story
    )


def rotator() -> Saved:
    torch.manual_seed(1)
    settings = {"classes": 4, "hidden": 16}
    about = {"side": [12, 12], "class_names": ["0°", "90°", "180°", "270°"]}
    module = StagedClassifier(**settings).eval()
    return Saved(module, kind="staged_classifier", settings=settings, task="rotate", mean=MEAN, std=STD, about=about)


def load(saved: Saved, folder: Path) -> Network:
    return load_network(str(write_saved(saved, folder / "x.safetensors")))


def test_a_deshuffler_names_every_arrangement(tmp_path: Path) -> None:
    saved = deshuffler()
    network = load(saved, tmp_path)
    assert network.class_names is not None
    assert len(network.class_names) == 24
    assert network.class_names[:2] == ("0 1 2 3", "0 1 3 2")
    assert (network.mean, network.std, network.preprocessing.size) == (MEAN, STD, (12, 12))
    assert network.name == "x.safetensors (deshuffler, trained to deshuffle)"
    assert network.notes == ("trained by snellen.training.deshuffle on 11000 images",)
    pixels = torch.rand(3, 3, 12, 12)
    with torch.inference_mode():
        scores = saved.module(cut(network.normalise(pixels), Grid(2, 2)))
        assert torch.allclose(network.logits(pixels), arrangement_scores(scores, Grid(2, 2)), atol=1e-5)


def test_the_answer_is_the_scorers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A puzzle given as one picture: the arrangement that the network names is the one that the scorer finds."""
    monkeypatch.setattr(arranger, "fast_bfloat16", lambda _: False)
    for gap in (0, 2):
        saved = deshuffler(gap=[gap, gap], normalise_pieces=True)
        network, pixels = load(saved, tmp_path), torch.rand(5, 3, 12, 12)
        scorer = NetworkScorer(saved)
        with torch.inference_mode():
            pieces = (cut(pixels, Grid(2, 2), gap=gap) - scorer.mean) / scorer.std
            found = arrangement_scores(scorer.arranger.scores(pieces), Grid(2, 2))  # type: ignore[arg-type]
            assert torch.allclose(network.logits(pixels), found, atol=1e-5)


def test_a_grid_of_too_many_arrangements_has_no_names(tmp_path: Path) -> None:
    network = load(deshuffler("3x3"), tmp_path)
    assert network.class_names is None
    with torch.inference_mode():
        assert network.logits(torch.rand(2, 3, 12, 12)).shape == (2, 81)


def test_a_network_of_turns_names_them(tmp_path: Path) -> None:
    saved = rotator()
    network = load(saved, tmp_path)
    assert network.class_names == ("0°", "90°", "180°", "270°")
    pixels = torch.rand(2, 3, 12, 12)
    with torch.inference_mode():
        assert torch.equal(network.logits(pixels), saved.module(network.normalise(pixels)))


def test_what_is_given_goes_before_what_the_file_says(tmp_path: Path) -> None:
    path = write_saved(rotator(), tmp_path / "x.safetensors")
    network = load_network(str(path), mean=(0.5,), class_names=("up", "left", "down", "right"))
    assert network.mean == (0.5,)
    assert network.class_name(1) == "left"


@pytest.mark.parametrize("about", [{"grid": None}, {"gap": []}, {"side": "wide"}, {"side": [3]}])
def test_a_file_that_does_not_say_all_is_refused(about: dict[str, object], tmp_path: Path) -> None:
    saved = deshuffler()
    with pytest.raises(NetworkError, match="train it again"):
        load(replace(saved, about={**saved.about, **about}), tmp_path)


def test_a_scale_that_makes_no_sense_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="std must be positive"):
        load(replace(rotator(), std=(0.0,)), tmp_path)


def test_the_weights_of_others_still_need_a_module(tmp_path: Path) -> None:
    save_file({"w": torch.ones(1)}, tmp_path / "theirs.safetensors")
    with pytest.raises(UsageError, match="holds weights, which fit only the module they were trained in"):
        load_network(str(tmp_path / "theirs.safetensors"))
    with pytest.raises(UsageError, match="holds weights"):
        load_network(str(tmp_path / "absent.safetensors"))


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = write_saved(rotator(), tmp_path / "x.safetensors")
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(NetworkError, match=r"x\.safetensors cannot be read as a safetensors file"):
        load_network(str(path))


def test_a_folder_names_the_network_in_it(tmp_path: Path) -> None:
    save_file({"weight": torch.zeros(2)}, tmp_path / "bare.safetensors")
    with pytest.raises(UsageError, match=r"is a folder; name a network$"):
        load_network(str(tmp_path))
    write_saved(rotator(), tmp_path / "rotator.safetensors")
    with pytest.raises(UsageError, match=r"is a folder; name a network, such as .*rotator\.safetensors$"):
        load_network(str(tmp_path))
