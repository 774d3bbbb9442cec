"""``snellen explain``, ``visualise`` and ``uncertainty``: one method each, its page and its arrays."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snellen import load_images, load_network
from snellen.instruments.attribution import METHODS as ATTRIBUTIONS
from snellen.instruments.uncertainty.mc_dropout import MCDropout
from snellen.report.schema import Document
from workbench import refused, snellen


def document(folder: Path) -> dict[str, Any]:
    text = (folder / "findings.json").read_bytes()
    Document.model_validate_json(text)
    return json.loads(text)  # type: ignore[no-any-return]


@pytest.mark.parametrize("method", sorted(ATTRIBUTIONS))
def test_each_method_writes_its_maps_beside_the_page(method: str, bench: Path) -> None:
    result = snellen("explain", "nets.py:toy", "data.npz", "--method", method, "--out", "out", "--batch-size", "5")
    assert result.exit_code == 0, result.stderr
    files = sorted((bench / "out/arrays").rglob(f"*{method.replace('_', '-')}.npy"))
    assert len(files) == 12
    network, pixels = load_network("nets.py:toy"), load_images("data.npz").pixels()
    expected = ATTRIBUTIONS[method]()(network, pixels).maps
    for file, maps in zip(files, expected, strict=True):
        assert np.allclose(np.load(file, allow_pickle=False), maps, atol=1e-6)
    assert (bench / "out/index.html").is_file()
    assert document(bench / "out")["run"]["preset"] == "explain"


@pytest.mark.parametrize(
    ("target", "names"),
    [("predicted", None), ("label", ["ant", "bee", "cat"] * 4), ("1", ["bee"] * 12), ("Cat", ["cat"] * 12)],
)
def test_targets(target: str, names: list[str] | None) -> None:
    result = snellen("explain", "nets.py:toy", "data.npz", "--target", target, "--json", "-")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    (maps,) = [f for f in found["findings"] if f["check"] == "explanation/maps"]
    (gallery,) = maps["evidence"]
    lines = [tile["lines"][0] for tile in sorted(gallery["tiles"], key=lambda tile: tile["image"])]
    names = names or [row["top"][0]["name"] for row in found["predictions"]]
    assert [line.split(" ")[1] for line in lines] == names


def test_bf16_says_how_faithful_it_is() -> None:
    result = snellen("explain", "nets.py:toy", "data.npz", "--precision", "bf16", "--limit", "3", "--json", "-")
    assert 0.5 < json.loads(result.stdout)["measured"]["fidelity"] <= 1


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--method", "salency"), 2, ("no attribution method named 'salency'", "did you mean saliency")),
        (("--target", "bees"), 2, ("no class named 'bees'", "did you mean bee")),
        (("--target", "3"), 2, ("classes go from 0 to 2, got 3",)),
        (("--precision", "fp8"), 2, ("float32", "bfloat16", "'fp8'")),
    ],
)
def test_wrong_usage_of_explain(arguments: tuple[str, ...], code: int, words: tuple[str, ...], bench: Path) -> None:
    refused(snellen("explain", "nets.py:toy", "data.npz", *arguments), code, *words)
    assert not (bench / "explanations").exists()


def test_a_method_that_cannot_do_its_job_is_exit_code_3() -> None:
    refused(snellen("explain", "nets.py:linear", "data.npz", "--method", "guided_backprop"), 3, "at least one ReLU")
    refused(snellen("uncertainty", "nets.py:sure", "data.npz"), 3, "needs a dropout")


def test_classes_by_index_and_by_name(bench: Path) -> None:
    result = snellen(
        "visualise", "nets.py:toy", "--classes", "2, ant", "--steps", "3", "--out", "out", "--json", "o.json"
    )
    assert result.exit_code == 0, result.stderr
    found = document(bench / "out")
    assert json.loads((bench / "o.json").read_bytes())["measured"] == found["measured"]
    gallery, curve = found["findings"][0]["evidence"]
    assert [tile["caption"] for tile in gallery["tiles"]] == ["cat", "ant"]
    assert len(curve["series"]) == 4
    arrays = [bench / "out" / p["stored"]["array"] for tile in gallery["tiles"] for p in tile["pictures"]]
    assert len(set(arrays)) == 4
    for array in arrays:
        values = np.load(array, allow_pickle=False)
        assert (values.shape, values.dtype) == ((3, 8, 8), np.float32)


def test_the_blur_is_an_option() -> None:
    result = snellen("visualise", "nets.py:toy", "--classes", "0", "--steps", "3", "--blur-every", "2", "--blur-sigma",
                     "0.7", "--l2", "0", "--precision", "bf16", "--json", "-")  # fmt: skip
    assert "sigma 0.7 pixels, every 2 steps" in json.loads(result.stdout)["findings"][0]["sentence"]


@pytest.mark.parametrize(
    ("network", "arguments", "code", "words"),
    [
        ("nets.py:toy", ("--classes", "3"), 2, ("classes go from 0 to 2, got 3",)),
        ("nets.py:toy", ("--classes", "owl"), 2, ("no class named 'owl'", "ant, bee, cat")),
        ("nets.py:toy", ("--classes", ","), 2, ("at least one class",)),
        ("nets.py:sure", ("--classes", "0"), 2, ("--input-size",)),
        ("nets.py:sure", ("--classes", "ant", "--input-size", "8"), 2, ("no class names", "index")),
        ("nets.py:sure", ("--classes", "0", "--input-size", "9"), 3, ("raised on a batch of shape (1, 3, 9, 9)",)),
        ("nets.py:toy", ("--classes", "0", "--precision", "fp8"), 2, ("float32 or bfloat16",)),
    ],
)
def test_wrong_usage_of_visualise(network: str, arguments: tuple[str, ...], code: int, words: tuple[str, ...]) -> None:
    refused(snellen("visualise", network, *arguments), code, *words)


def test_class_names_of_the_users(bench: Path) -> None:
    (bench / "names.txt").write_text("red\ngreen\nblue\n")
    result = snellen("visualise", "nets.py:sure", "--classes", "green", "--class-names", "names.txt", "--input-size",
                     "8", "--steps", "2", "--json", "-")  # fmt: skip
    assert json.loads(result.stdout)["findings"][0]["evidence"][0]["tiles"][0]["caption"] == "green"


def test_uncertainty_of_every_image(bench: Path) -> None:
    result = snellen("uncertainty", "nets.py:toy", "data.npz", "--samples", "7", "--seed", "3", "--out", "out")
    assert result.exit_code == 0, result.stderr
    found = document(bench / "out")
    (finding,) = [f for f in found["findings"] if f["check"] == "confidence/mc_dropout"]
    (table,) = [e for e in finding["evidence"] if e["type"] == "table"]
    pixels = load_images("data.npz").pixels()
    expected = MCDropout(7)(load_network("nets.py:toy"), pixels, seed=3)
    order = expected.entropy.argsort(descending=True)
    assert [row[4] for row in table["rows"]] == pytest.approx(expected.entropy[order].tolist(), abs=1e-6)
    assert found["measured"]["mean_entropy"] == pytest.approx(float(expected.entropy.mean()), abs=1e-6)
    assert (bench / "out/index.html").is_file()


def test_one_sample_has_no_standard_error_and_no_crash() -> None:
    result = snellen("uncertainty", "nets.py:toy", "data.npz", "--samples", "1", "--json", "-")
    assert result.exit_code == 0, result.stderr
    Document.model_validate_json(result.stdout)


def test_wrong_usage_of_uncertainty() -> None:
    refused(snellen("uncertainty", "nets.py:toy", "data.npz", "--method", "mc_dropuot"), 2, "did you mean mc_dropout")
    assert snellen("uncertainty", "nets.py:toy", "data.npz", "--samples", "0").exit_code == 2
