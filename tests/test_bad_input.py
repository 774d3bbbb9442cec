"""Bad input, end to end: an exit code, a message that says what was expected, got and to be done, and nothing lost."""

import io
import json
import os
import pickle
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from snellen import ImagesError, NetworkError, examine, load_network
from snellen.report.schema import Document
from workbench import refused, snellen, workbench

QUICK = ("--preset", "quick", "--json", "-")


@pytest.fixture(autouse=True)
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(workbench(tmp_path))
    return tmp_path


def jpeg(side: int = 64) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file, "JPEG", quality=95)
    return file.getvalue()


def bomb() -> bytes:
    """A PNG of a few hundred bytes that says it is 50,000 x 50,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 10_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


BAD = {
    "truncated.jpg": (jpeg()[:-600], "truncated"),
    "empty.png": (b"", "empty"),
    "text.jpg": (b"this is no picture at all", "not an image"),
    "page.png": (b"<!DOCTYPE html><html></html>", "not an image"),
    "bomb.png": (bomb(), "too large: 2,500,000,000 pixels"),
}


@pytest.mark.parametrize("name", BAD)
def test_one_bad_image_on_its_own(name: str, bench: Path) -> None:
    content, reason = BAD[name]
    (bench / name).write_bytes(content)
    refused(snellen("examine", "nets.py:toy", name), 3, "none of the 1 images could be read", name, reason)
    assert not (bench / "report").exists()


def test_bad_files_in_a_folder_are_skipped_counted_named_and_a_finding(bench: Path) -> None:
    for name, (content, _) in BAD.items():
        (bench / "photos/bee" / name).write_bytes(content)
    result = snellen("examine", "nets.py:toy", "photos", "--preset", "quick", "--out", "page", "--json", "-")
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["measured"]["images"] == 6
    assert document["measured"]["unreadable_images"] == 5
    (finding,) = [f for f in document["findings"] if f["check"] == "data/readable"]
    assert finding["severity"] == "error"
    assert "5 of 11 images could not be read" in finding["sentence"]
    named = dict(finding["evidence"][0]["rows"])
    assert set(named) == {f"bee/{name}" for name in BAD}
    for name, (_, reason) in BAD.items():
        assert reason in named[f"bee/{name}"]
    page = (bench / "page/index.html").read_text()
    assert all(name in page for name in BAD)
    assert {row["image"] for row in document["predictions"]} == {
        f"{n}/{i}.png" for i, n in enumerate(("ant", "ant", "bee", "bee", "cat", "cat"))
    }


@pytest.mark.parametrize("verb", ["predict", "explain", "uncertainty"])
def test_every_verb_goes_on_without_the_bad_files(verb: str, bench: Path) -> None:
    (bench / "photos/bee/truncated.jpg").write_bytes(BAD["truncated.jpg"][0])
    result = snellen(verb, "nets.py:toy", "photos", "--json", "-")
    assert result.exit_code == 0, result.stderr
    assert len(json.loads(result.stdout)["predictions"]) == 6
    assert "bee/truncated.jpg" in result.output


def test_an_image_of_one_pixel_is_an_image(bench: Path) -> None:
    Image.new("RGB", (1, 1), (255, 0, 0)).save(bench / "one.png")
    result = snellen("predict", "nets.py:toy", "one.png", "--json", "-")
    assert result.exit_code == 0
    assert len(json.loads(result.stdout)["predictions"]) == 1


def test_images_of_several_sizes_and_no_input_size() -> None:
    rng = np.random.default_rng(0)
    for i, side in enumerate((8, 9)):
        Image.fromarray(rng.integers(0, 256, (side, side, 3), dtype=np.uint8)).save(f"photos/{i}.png")
    refused(snellen("examine", "nets.py:sure", "photos"), 3, "must have one size", "--input-size")


def test_a_folder_without_images(bench: Path) -> None:
    (bench / "nothing").mkdir()
    refused(snellen("examine", "nets.py:toy", "nothing"), 3, "expected images in nothing, got an empty folder")
    (bench / "nothing/notes.txt").touch()
    refused(snellen("examine", "nets.py:toy", "nothing"), 3, "1 .txt", "Extensions read")


@pytest.mark.parametrize("labels", [[0, 1, 2, 3], [0, 1, 2, 700]])
def test_labels_out_of_range(labels: list[int], bench: Path) -> None:
    pixels = np.zeros((4, 8, 8, 3), dtype=np.uint8)
    np.savez(bench / "out.npz", images=pixels, labels=np.array(labels))
    result = snellen("examine", "nets.py:toy", "out.npz")
    refused(result, 3, "labels must be 0 to 2", f"image 3 has {labels[3]}", "--classes")
    assert not (bench / "report").exists()


def test_labels_below_minus_one(bench: Path) -> None:
    np.savez(bench / "out.npz", images=np.zeros((2, 8, 8, 3), dtype=np.uint8), labels=np.array([0, -2]))
    refused(snellen("examine", "nets.py:toy", "out.npz"), 3, "labels must be -1 (unknown) or more", "has -2")


def test_labels_of_another_number_than_images(bench: Path) -> None:
    np.savez(bench / "out.npz", images=np.zeros((2, 8, 8, 3), dtype=np.uint8), labels=np.array([0, 1, 2]))
    refused(snellen("examine", "nets.py:toy", "out.npz"), 3, "2")


def test_classes_that_are_not_those_of_the_network(bench: Path) -> None:
    (bench / "photos/owl").mkdir()
    (bench / "photos/ant/0.png").rename(bench / "photos/owl/0.png")
    refused(snellen("examine", "nets.py:toy", "photos"), 3, "among the network's 3", "owl", "--classes")


def test_more_classes_than_outputs(bench: Path) -> None:
    (bench / "photos/owl").mkdir()
    (bench / "photos/ant/0.png").rename(bench / "photos/owl/0.png")
    refused(
        snellen("examine", "nets.py:sure", "photos", "--input-size", "8"),
        3,
        "expected images of 3 classes, one an output of the network, got 4",
        "--classes",
    )


NETWORKS = {
    "nan": ("NaN or infinite scores for 12 of 12 images", "Its weights hold NaN or inf: 0.weight"),
    "infinite": ("NaN or infinite scores for 12 of 12 images", "overflow or a division by zero"),
    "pair": ("must return one tensor of scores (n, k), got tuple", "Wrap it"),
    "flat": ("must return scores of shape (12, k) with k >= 2, got (12,)",),
    "cube": ("must return scores of shape (12, k) with k >= 2, got (12, 3, 1)",),
    "raising": ("raised on a batch of shape (12, 3, 8, 8): ValueError: no such luck", "--input-size"),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("verb", ["examine", "predict", "explain", "uncertainty"])
def test_a_network_that_is_no_classifier(verb: str, name: str, bench: Path) -> None:
    refused(snellen(verb, f"nets.py:{name}", "data.npz"), 3, *NETWORKS[name])
    assert sorted(p.name for p in bench.iterdir()) == ["data.npz", "nets.py", "photos"]


@pytest.mark.parametrize("name", NETWORKS)
def test_visualise_refuses_it_too(name: str) -> None:
    expected = [words.replace("12", "1") for words in NETWORKS[name]]
    result = snellen("visualise", f"nets.py:{name}", "--classes", "0", "--input-size", "8", "--steps", "2")
    refused(result, 3, *expected)


def test_the_same_from_python() -> None:
    with pytest.raises(NetworkError, match=r"Its weights hold NaN or inf: 0\.weight"):
        examine("nets.py:nan", "data.npz", preset="quick")
    np.savez("out.npz", images=np.zeros((1, 8, 8, 3), dtype=np.uint8), labels=np.array([9]))
    with pytest.raises(ImagesError, match="labels must be 0 to 2"):
        examine(load_network("nets.py:toy"), "out.npz", preset="quick")


class Harmless:
    """What a malicious pickle would do: call something. This one would make a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.path),)


def as_torch_would(payload: object, path: Path) -> None:
    torch.save({"state_dict": payload}, path)


def as_a_bare_pickle(payload: object, path: Path) -> None:
    path.write_bytes(pickle.dumps(payload, protocol=2))


@pytest.mark.parametrize("save", [as_torch_would, as_a_bare_pickle])
@pytest.mark.parametrize("suffix", [".pt", ".pth", ".safetensors"])
def test_a_checkpoint_that_would_run_code_is_refused(save, suffix: str, bench: Path) -> None:  # type: ignore[no-untyped-def]
    save(Harmless(bench / "harm"), bench / f"weights{suffix}")
    result = snellen("examine", "nets.py:sure", "data.npz", "--weights", f"weights{suffix}")
    refused(result, 3, f"weights{suffix}")
    if suffix != ".safetensors":
        assert "was refused, and nothing in it was run" in result.stderr
        assert "mkdir" in result.stderr
    assert not (bench / "harm").exists()
    assert not (bench / "report").exists()


def test_an_npz_with_pickled_objects_is_refused(bench: Path) -> None:
    objects = np.empty(2, dtype=object)
    objects[:] = [Harmless(bench / "harm"), Harmless(bench / "harm")]
    np.savez(bench / "evil.npz", images=objects)
    refused(snellen("examine", "nets.py:toy", "evil.npz"), 3, "images in evil.npz", "pickle")
    np.savez(bench / "evil.npz", images=np.zeros((2, 8, 8, 3), dtype=np.uint8), labels=objects)
    refused(snellen("examine", "nets.py:toy", "evil.npz"), 3, "labels in evil.npz", "pickle")
    assert not (bench / "harm").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ("is empty",)),
        (b"<html>not found</html>", ("is no checkpoint", "Get the file again")),
        (b"version https://git-lfs.github.com/spec/v1\n", ("Git LFS pointer", "git lfs pull")),
        (b"PK\x03\x04 and nothing more", ("truncated or damaged",)),
    ],
)
def test_a_checkpoint_that_cannot_be_read(content: bytes, words: tuple[str, ...], bench: Path) -> None:
    (bench / "weights.pt").write_bytes(content)
    refused(snellen("examine", "nets.py:sure", "data.npz", "--weights", "weights.pt"), 3, "weights.pt", *words)


def test_a_truncated_checkpoint(bench: Path) -> None:
    torch.save(load_network("nets.py:sure").module.state_dict(), bench / "weights.pt")
    whole = (bench / "weights.pt").read_bytes()
    assert snellen("predict", "nets.py:sure", "data.npz", "--weights", "weights.pt").exit_code == 0
    (bench / "weights.pt").write_bytes(whole[: len(whole) // 2])
    refused(snellen("predict", "nets.py:sure", "data.npz", "--weights", "weights.pt"), 3, "truncated or damaged")


def test_keys_that_do_not_fit_are_listed(bench: Path) -> None:
    state = load_network("nets.py:sure").module.state_dict()
    state["stranger"] = state.pop("0.bias")
    state["3.weight"] = torch.zeros(5, 144)
    torch.save(state, bench / "weights.pt")
    result = snellen("predict", "nets.py:sure", "data.npz", "--weights", "weights.pt")
    refused(result, 3, "stranger", "0.bias", "3.weight")


@pytest.mark.parametrize("name", ["data.npz", "data.npy", "data.parquet", "photo.png"])
def test_a_file_that_is_not_what_its_name_says(name: str, bench: Path) -> None:
    (bench / name).write_bytes(b"something else altogether")
    refused(snellen("examine", "nets.py:toy", name), 3, name)


def test_a_zip_that_lies_about_its_array(bench: Path) -> None:
    header = np.lib.format.magic(1, 0)
    text = b"{'descr': '|u1', 'fortran_order': False, 'shape': (1000000, 1000, 1000, 3), }".ljust(117) + b"\n"
    with zipfile.ZipFile(bench / "liar.npz", "w") as archive:
        archive.writestr("images.npy", header + struct.pack("<H", len(text)) + text)
    refused(snellen("examine", "nets.py:toy", "liar.npz"), 3, "liar.npz")


def test_a_factory_that_fails_is_named_with_its_line(bench: Path) -> None:
    (bench / "broken.py").write_text("def net():\n    return 1 / 0\n")
    refused(snellen("examine", "broken.py:net", "data.npz"), 3, "ZeroDivisionError", "line 2")
    (bench / "broken.py").write_text("def net(:\n")
    refused(snellen("examine", "broken.py:net", "data.npz"), 3, "SyntaxError", "line 1")
    (bench / "broken.py").write_text("def net():\n    return 'resnet'\n")
    refused(snellen("examine", "broken.py:net", "data.npz"), 3, "nn.Module or a Network, got str")


def test_values_that_are_no_pixels(bench: Path) -> None:
    np.savez(bench / "wild.npz", images=np.full((2, 8, 8, 3), 7.5, dtype=np.float32))
    refused(snellen("examine", "nets.py:toy", "wild.npz"), 3, "[0, 1]")
    holes = np.zeros((3, 8, 8, 3), dtype=np.float32)
    holes[1, 0, 0, 0] = np.nan
    np.savez(bench / "holes.npz", images=holes)
    result = snellen("examine", "nets.py:toy", "holes.npz", *QUICK)
    assert result.exit_code in (0, 3)
    if result.exit_code == 0:
        assert Document.model_validate_json(result.stdout).measured["unreadable_images"] == 1
