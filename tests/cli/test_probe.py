"""``snellen probe``: its page, its options, its errors."""

import json
from pathlib import Path

import numpy as np
import pytest

from snellen.report.schema import Document
from workbench import refused, snellen

FAST = ("--seeds", "1", "--metric", "l2")


def two_parts(folder: Path, **without: None) -> None:
    rng = np.random.default_rng(1)
    members = {"train_images": rng.integers(0, 256, (12, 8, 8, 3), dtype=np.uint8), "train_labels": np.arange(12) % 3}
    members |= {"test_images": rng.integers(0, 256, (6, 8, 8, 3), dtype=np.uint8), "test_labels": np.arange(6) % 3}
    np.savez(folder / "two.npz", **{k: v for k, v in members.items() if k not in without})  # type: ignore[arg-type]


def test_a_page_and_a_document(bench: Path) -> None:
    two_parts(bench)
    result = snellen("probe", "nets.py:toy", "two.npz", *FAST, "--out", "out", "--json", "-")
    assert result.exit_code == 0, result.stderr
    Document.model_validate_json(result.stdout)
    document = json.loads(result.stdout)
    assert document["subject"]["count"] == 6
    assert document["subject"]["searched among"] == "12 images of two.npz"
    assert document["run"]["preset"] == "probe"
    assert set(document["measured"]) >= {"features_accuracy", "pixels_accuracy", "random_accuracy"}
    assert "Most similar images" in (bench / "out/index.html").read_text()


def test_other_queries_taps_and_another_network(bench: Path) -> None:
    two_parts(bench)
    arguments = ("--queries", "data.npz", "--tap", "0", "--against", "pixels,nets.py:sure", "--metric", "cosine")
    result = snellen("probe", "nets.py:toy", "two.npz", *arguments, "--k", "1", "--json", "-")
    assert result.exit_code == 0, result.stderr
    worth = json.loads(result.stdout)["findings"][0]
    rows = [row[:2] for row in worth["evidence"][0]["rows"]]
    assert ["0", "trained"] in rows
    assert ["–", "pixels"] in rows
    assert any(name == "Sequential" for _, name in rows)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--metric", "l3"), 2, ("no metric named 'l3'",)),
        (("--tap", "conv9"), 2, ("no tap of toy named 'conv9'",)),
        (("--against", "pixel"), 2, ("did you mean pixels",)),
        (("--k", "13"), 2, ("k must be from 1 to 12",)),
        (("--queries", "none.npz"), 3, ("nothing is at none.npz",)),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], code: int, words: tuple[str, ...], bench: Path) -> None:
    two_parts(bench)
    refused(snellen("probe", "nets.py:toy", "two.npz", *FAST, *arguments), code, *words)
    assert not (bench / "probe").exists()


def test_labels_missing_from_one_part(bench: Path) -> None:
    two_parts(bench, test_labels=None)
    refused(snellen("probe", "nets.py:toy", "two.npz"), 3, "two.npz has no test_labels, the labels of its test_images")
