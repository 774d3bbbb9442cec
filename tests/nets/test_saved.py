"""A network goes into a file and comes out the same; a file that is none of ours says what to do."""

import json
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load, save, save_file

from snellen._errors import NetworkError
from snellen.nets.saved import ENTRY, KINDS, Saved, is_saved, read_saved, write_saved

BUILT: dict[str, dict[str, Any]] = {
    "deshuffler": {"encoder": "small", "positions": 4, "hidden": 16},
    "staged_classifier": {"encoder": "small", "classes": 4, "hidden": 16},
}
STORY = {"recipe": "by hand", "command": {"gap": [0, 8], "seed": 3}, "losses": [0.25, 1e-17], "né": "✓"}


def trained(kind: str = "staged_classifier") -> Saved:
    torch.manual_seed(2)
    module = KINDS[kind](**BUILT.get(kind, {"classes": 3}))
    with torch.no_grad():
        for tensor in module.state_dict().values():
            if tensor.is_floating_point():
                tensor.add_(torch.rand_like(tensor) / 100)
    return Saved(
        module,
        kind=kind,
        settings=BUILT.get(kind, {"classes": 3}),
        task="rotate",
        mean=(0.1, 0.2, 0.3),
        std=(0.25, 0.25, 0.5),
        about={"side": [32, 32]},
        story=STORY,
    )


@pytest.mark.parametrize("kind", ["deshuffler", "staged_classifier"])
def test_what_is_written_is_read(kind: str, tmp_path: Path) -> None:
    saved = trained(kind)
    assert write_saved(saved, tmp_path / "deep" / "x.safetensors") == tmp_path / "deep" / "x.safetensors"
    assert is_saved(tmp_path / "deep" / "x.safetensors")
    found = read_saved(tmp_path / "deep" / "x.safetensors")
    one, other = saved.module.state_dict(), found.module.state_dict()
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    for name in ("kind", "settings", "task", "mean", "std", "about", "story"):
        assert getattr(found, name) == getattr(saved, name)
    assert not any(module.training for module in found.module.modules())
    inputs = torch.randn(1, 4, 3, 16, 16) if kind == "deshuffler" else torch.randn(1, 3, 32, 32)
    with torch.inference_mode():
        answers = [module(inputs) for module in (saved.module.eval(), found.module)]
    pairs = zip(*answers, strict=True) if kind == "deshuffler" else [answers]
    assert all(torch.equal(a, b) for a, b in pairs)


def test_every_kind_can_be_built() -> None:
    assert {"deshuffler", "staged_classifier", "vgg11_bn", "vgg19"} <= KINDS.keys()


def test_weights_in_channels_last_are_written_as_they_read(tmp_path: Path) -> None:
    saved = trained()
    before = {name: tensor.clone() for name, tensor in saved.module.state_dict().items()}
    saved.module.to(memory_format=torch.channels_last)
    found = read_saved(write_saved(saved, tmp_path / "x.safetensors")).module.state_dict()
    assert all(torch.equal(before[name], found[name]) for name in before)


def test_reading_leaves_torchs_generator_alone(tmp_path: Path) -> None:
    write_saved(trained(), tmp_path / "x.safetensors")
    before = torch.get_rng_state()
    read_saved(tmp_path / "x.safetensors")
    assert torch.equal(before, torch.get_rng_state())


def test_the_file_is_safetensors_and_nothing_in_it_runs(tmp_path: Path) -> None:
    data = write_saved(trained(), tmp_path / "x.safetensors").read_bytes()
    assert load(data).keys() == trained().module.state_dict().keys()
    (length,) = struct.unpack("<Q", data[:8])
    entry = json.loads(json.loads(data[8 : 8 + length])["__metadata__"][ENTRY])
    assert entry["story"] == STORY
    assert not data.startswith((b"PK", b"\x80"))


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_saved(trained(), tmp_path / "x.safetensors")
    before = path.read_bytes()

    def refuse(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("os.fsync", refuse)
    with pytest.raises(OSError, match="the disk is full"):
        write_saved(replace(trained(), task="other"), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_story_that_json_cannot_hold_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_saved(replace(trained(), story={"loss": float("nan")}), tmp_path / "x.safetensors")
    assert list(tmp_path.iterdir()) == []


def entry(**changed: Any) -> dict[str, str]:
    whole = {"format": 1, "kind": "staged_classifier", "settings": BUILT["staged_classifier"], "task": "rotate"}
    return {ENTRY: json.dumps({**whole, "mean": [0.0], "std": [1.0], "about": {}, "story": {}, **changed})}


def weights() -> dict[str, torch.Tensor]:
    return dict(trained().module.state_dict())


UNUSABLE: dict[str, tuple[Callable[[], bytes], str]] = {
    "foreign": (lambda: save({"w": torch.ones(1)}), "PATH.py:FACTORY --weights"),
    "foreign, with words": (lambda: save({"w": torch.ones(1)}, {"format": "pt"}), "PATH.py:FACTORY --weights"),
    "no JSON object": (lambda: save({"w": torch.ones(1)}, {ENTRY: "[1]"}), "PATH.py:FACTORY --weights"),
    "empty": (lambda: b"", "cannot be read as a safetensors file"),
    "text": (lambda: b"hello, I am a picture of a cat", "cannot be read as a safetensors file"),
    "no JSON": (lambda: save({"w": torch.ones(1)}, {ENTRY: "{"}), "it may be damaged"),
    "unknown kind": (lambda: save(weights(), entry(kind="deshufler")), "did you mean deshuffler"),
    "unknown setting": (lambda: save(weights(), entry(settings={"depth": 9})), "another version or damaged"),
    "senseless setting": (lambda: save(weights(), entry(settings={"classes": 1})), "at least 2 classes"),
    "no settings": (lambda: save(weights(), entry(settings=None)), "train it again"),
    "no mean": (lambda: save(weights(), entry(mean=["dark"])), "train it again"),
    "other shapes": (lambda: save(weights(), entry(settings={"hidden": 9})), "size mismatch"),
    "weights missing": (lambda: save({}, entry()), "Missing key"),
    "nothing but a kind": (lambda: save({}, {ENTRY: '{"format": 1, "kind": "deshuffler"}'}), "'settings'"),
    "another format": (lambda: save(weights(), entry(format=2)), "expected format 1, got 2"),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_a_file_that_cannot_be_used_is_named(name: str, tmp_path: Path) -> None:
    content, said = UNUSABLE[name]
    path = tmp_path / "strange.safetensors"
    path.write_bytes(content())
    with pytest.raises(NetworkError, match=said) as caught:
        read_saved(path)
    assert str(path) in str(caught.value)


def test_a_file_cut_off_is_damaged(tmp_path: Path) -> None:
    path = write_saved(trained(), tmp_path / "x.safetensors")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(NetworkError, match="it may be damaged"):
        read_saved(path)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="expected a network that 'snellen train' wrote"):
        read_saved(tmp_path / "absent.safetensors")


def test_which_files_are_ours(tmp_path: Path) -> None:
    ours = write_saved(trained(), tmp_path / "x.SafeTensors")
    save_file({"w": torch.ones(1)}, tmp_path / "theirs.safetensors")
    (tmp_path / "folder.safetensors").mkdir()
    assert is_saved(ours)
    assert is_saved(str(ours))
    named = write_saved(trained(), tmp_path / "x.bin")
    assert not any(map(is_saved, (tmp_path / "theirs.safetensors", tmp_path / "absent.safetensors", named)))
    assert not is_saved(tmp_path / "folder.safetensors")
