"""Weights files, good and bad: what is inside comes out, and nothing in them is ever run."""

import argparse
import pickle
import warnings
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from shared import SHARED, needs_shared
from snellen._errors import NetworkError
from snellen.subject.load.checkpoint import load_state

STATE = {"weight": torch.arange(6.0).view(2, 3), "bias": torch.tensor([1.0, -1.0])}


class Touch:
    """A pickle that would create a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (str(self.path), "w")


def same(found: dict[str, Tensor]) -> bool:
    return found.keys() == STATE.keys() and all(torch.equal(found[key], STATE[key]) for key in STATE)


@pytest.mark.parametrize("name", ["net.safetensors", "net.pt", "legacy.pth", "misnamed.pt"])
def test_each_format_gives_back_what_was_saved(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name in ("net.safetensors", "misnamed.pt"):
        save_file(STATE, path)
    else:
        torch.save(STATE, path, _use_new_zipfile_serialization=name != "legacy.pth")
    state, notes = load_state(path)
    assert same(state)
    assert notes == ()


@pytest.mark.parametrize("nest", ["state_dict", "model", "model_state", "model_state_dict", "net"])
def test_a_dict_around_the_state_is_taken_off_and_reported(tmp_path: Path, nest: str) -> None:
    torch.save({nest: STATE, "epoch": 3}, tmp_path / "net.pt")
    state, notes = load_state(tmp_path / "net.pt")
    assert same(state)
    assert notes == (f"net.pt: took the entry {nest!r}",)


def test_prefixes_of_wrappers_are_removed_and_reported(tmp_path: Path) -> None:
    torch.save({f"module._orig_mod.{key}": value for key, value in STATE.items()}, tmp_path / "net.pt")
    state, notes = load_state(tmp_path / "net.pt")
    assert same(state)
    assert [("'module.'" in note, "'_orig_mod.'" in note) for note in notes] == [(True, False), (False, True)]


def test_a_prefix_that_only_some_keys_have_is_kept(tmp_path: Path) -> None:
    torch.save({"module.weight": STATE["weight"], "bias": STATE["bias"]}, tmp_path / "net.pt")
    assert set(load_state(tmp_path / "net.pt")[0]) == {"module.weight", "bias"}


def test_a_url_is_kept_in_the_cache_and_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNELLEN_CACHE", str(tmp_path / "cache"))
    torch.save(STATE, tmp_path / "net.pt")
    state, notes = load_state((tmp_path / "net.pt").as_uri())
    assert same(state)
    assert str(tmp_path / "cache") in notes[0]


@pytest.mark.parametrize("form", ["zip", "legacy", "pickle 2", "pickle 4"])
def test_a_pickle_that_runs_code_is_refused_and_not_run(tmp_path: Path, form: str) -> None:
    path, trace = tmp_path / "net.pt", tmp_path / "was-run"
    content = {"weight": STATE["weight"], "trap": Touch(trace)}
    if form.startswith("pickle"):
        path.write_bytes(pickle.dumps({"trap": Touch(trace)}, protocol=int(form[-1])))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=form == "zip")
    with pytest.raises(NetworkError, match="was refused, and nothing in it was run"):
        load_state(path)
    assert not trace.exists()


def test_the_refusal_names_what_the_pickle_asked_for(tmp_path: Path) -> None:
    torch.save({"trap": Touch(tmp_path / "x"), "weight": STATE["weight"]}, tmp_path / "net.pt")
    with pytest.raises(NetworkError, match=r"asks to call (io|_io|builtins|__builtin__)\.open"):
        load_state(tmp_path / "net.pt")
    torch.save({"args": argparse.Namespace(lr=1), **STATE}, tmp_path / "args.pt")
    with pytest.raises(NetworkError, match=r"argparse\.Namespace"):
        load_state(tmp_path / "args.pt")


def test_a_whole_pickled_module_is_refused_with_an_explanation(tmp_path: Path) -> None:
    torch.save(nn.Linear(2, 2), tmp_path / "net.pt")
    with pytest.raises(NetworkError, match=r"whole pickled module.*state_dict\(\)"):
        load_state(tmp_path / "net.pt")


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bomb.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb/data/0", bytes(80 << 20))
    monkeypatch.setattr(torch, "load", lambda *_a, **_k: pytest.fail("it was opened"))
    with pytest.raises(NetworkError, match=r"zip bomb.*declare 83,886,080 bytes"):
        load_state(path)


@pytest.mark.parametrize("suffix", ["pt", "pth", "safetensors"])
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.98])
def test_a_truncated_file_is_refused(tmp_path: Path, suffix: str, kept: float) -> None:
    path = tmp_path / f"net.{suffix}"
    if suffix == "safetensors":
        save_file(STATE, path)
    else:
        torch.save(STATE, path, _use_new_zipfile_serialization=suffix == "pt")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(NetworkError, match=r"truncated|refused"):
        load_state(path)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "git lfs pull"),
    ],
)
def test_what_is_no_checkpoint_is_named(tmp_path: Path, content: bytes, expected: str) -> None:
    (tmp_path / "net.pt").write_bytes(content)
    with pytest.raises(NetworkError, match=expected):
        load_state(tmp_path / "net.pt")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"epoch": 3}, "no tensors: epoch"),
        ({"model": STATE, "net": STATE}, "several state dicts"),
        ([STATE["bias"]], "got list"),
        ({}, "got nothing"),
        ({**STATE, "epoch": 3}, "no tensors: epoch"),
    ],
)
def test_what_holds_no_single_state_dict_is_refused(tmp_path: Path, content: object, expected: str) -> None:
    torch.save(content, tmp_path / "net.pt")
    with pytest.raises(NetworkError, match=expected):
        load_state(tmp_path / "net.pt")


def test_no_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="no weights file at"):
        load_state(tmp_path / "absent.pt")
    with pytest.raises(NetworkError, match="it is a folder"):
        load_state(tmp_path)


def test_a_torchscript_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    torch.save(STATE, path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("net/constants.pkl", b"")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(NetworkError, match="TorchScript archive, which is a program"):
            load_state(path)


def test_onnx_is_named_as_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(b"\x08\x07\x12\x07pytorch")
    with pytest.raises(NetworkError, match=r"is ONNX: a graph.*state_dict"):
        load_state(tmp_path / "net.onnx")


@needs_shared
def test_the_published_resnet20_checkpoint() -> None:
    state, notes = load_state(SHARED / "models/resnet20_cifar10/resnet20-12fca82f.th")
    learned = sum(t.numel() for key, t in state.items() if "running" not in key)
    assert learned == 269_722  # published as 0.27 M
    assert len(notes) == 2
    assert state["conv1.weight"].shape == (16, 3, 3, 3)
