"""``snellen samples``: pictures of any generator, its page, its errors."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from snellen.report.schema import Document
from snellen.subject.load.digits import digit_pixels
from workbench import refused, snellen


def parts(folder: Path, count: int = 40) -> None:
    """``data.npz`` with a training and a test part of digits, and ``made/``: the same one again and again."""
    pixels, labels = digit_pixels("train")
    levels = (pixels[:120, :, ::2, ::2] * 255).byte().permute(0, 2, 3, 1).expand(-1, -1, -1, 3).numpy()
    known = {"train_images": levels[:90], "train_labels": labels[:90].numpy()}
    np.savez(folder / "two.npz", test_images=levels[90:], test_labels=labels[90:120].numpy(), **known)
    (folder / "made").mkdir()
    for i in range(count):
        Image.fromarray(levels[3]).save(folder / "made" / f"{i:02}.png")


def test_a_folder_of_equal_pictures_has_collapsed(bench: Path) -> None:
    parts(bench)
    result = snellen("samples", "made", "--data", "two.npz", "--classifier", "builtin", "--json", "-")
    assert result.exit_code == 0, result.stderr
    Document.model_validate_json(result.stdout)
    document = json.loads(result.stdout)
    assert document["run"]["preset"] == "generation"
    assert document["subject"]["network"] == "40 samples of made"
    assert document["subject"]["against"].startswith("90 real images of two.npz")
    assert document["subject"]["held out"] == "30 real images"
    assert document["subject"]["classifier"].startswith("SmallVGG on digits")
    titles = {f["title"] for f in document["findings"] if f["severity"] == "error"}
    assert titles >= {"Collapsed", "Training images learned by heart"}
    measured = document["measured"]
    assert (measured["pair_distance_ratio"], measured["classes_made"]) == (0, 1)
    assert measured["frechet_fake"] == measured["frechet_real"] == 40
    page = (bench / "samples/index.html").read_text(encoding="utf-8")
    assert "Samples nearest to a training image" in page


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("nowhere", "--data", "two.npz"), 3, ("nothing is at nowhere",)),
        (("made", "--data", "two.npz", "--limit", "10"), 3, ("at least 20 samples are needed", "got 10")),
        (("made",), 2, ()),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], code: int, words: tuple[str, ...], bench: Path) -> None:
    parts(bench)
    result = snellen("samples", *arguments)
    if words:
        refused(result, code, *words)
    assert result.exit_code == code
    assert not (bench / "samples").exists()
