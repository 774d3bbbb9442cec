"""``snellen transport``: exercise 12 step by step, files, critics that are networks, pages, and what is refused."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from snellen.report.schema import Document
from workbench import refused, snellen

CRITICS = '''"""Critics for the tests."""
import torch
from torch import nn


def fixed(*rows):
    layer = nn.Linear(2, len(rows), bias=False)
    layer.weight.data = torch.tensor(rows)
    return layer


def gentle(): return nn.Sequential(fixed([1.0, 0.0], [0.0, 1.0]), nn.ReLU(), fixed([0.6, 0.8]))
def steep(): return fixed([3.0, 4.0])
def loose(): return nn.Sequential(fixed([4.0, 0.0], [0.0, 0.25]), fixed([0.0, 1.0]))
def strange(): return nn.Sequential(fixed([1.0, 0.0]), nn.Softmax(1))
'''


def test_exercise_12() -> None:
    result = snellen("transport", "3,1", "-2,2", "--critic", "0.3,-0.5")
    assert result.exit_code == 0, result.output
    for words in (
        "W1 = 5.099\n",
        "The critic w = (0.3, −0.5) is not optimal\n",
        "K(w) = |w| = √(0.3² + (−0.5)²) = √0.34 = 0.5831 < 1\n",
        "mean of A = (3, 1), mean of B = (−2, 2)\n",
        "h(w) = w·(mean of A − mean of B) = 0.3·5 + (−0.5)·(−1) = 2\n",
        "∇h(w) = mean of A − mean of B = (5, −1), whatever w is; its length is 5.099, so it is different from 0\n",
        "K(w + ε ∇h) < 1 as long as ε < 0.1; ε = 0.05 gives (0.55, −0.55) with K = 0.7778 and h = 3.3, 1.3 more\n",
        "∇h / |∇h| = (0.9806, −0.1961) says |∇h| = 5.099, which is W1\n",
        "h(w) = 2 is 3.099 below W1 = 5.099.\n",
    ):
        assert words in result.stdout, words


def test_the_json_and_the_page(bench: Path) -> None:
    result = snellen("transport", "3,1;0,0", "-2,2;1,1;4,4", "--critic", "0.3,-0.5", "--json", "-", "--out", "page")
    document = json.loads(result.stdout)
    Document.model_validate(document)
    found = document["measured"]
    assert found["critic_lipschitz"] == pytest.approx(math.sqrt(0.34))
    assert found["critic_value"] == pytest.approx(0.3 * 0.5 - 0.5 * (0.5 - 7 / 3))
    assert found["points_b"] == 3
    page = (bench / "page" / "index.html").read_text(encoding="utf-8")
    assert "<h1>The Wasserstein distance</h1>" in page
    assert "The two samples and the plan" in page
    assert "Step by step" in page


def test_files_and_two_halves(bench: Path) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(30, 1)), rng.normal(size=(20, 1)) + 2
    np.save(bench / "a.npy", a)
    np.savetxt(bench / "b.csv", b, delimiter=",", header="x", comments="")
    result = snellen("transport", "a.npy", "b.csv", "--out", "page")
    assert result.exit_code == 0, result.output
    levels = (np.arange(60) + 0.5) / 60
    between = np.abs(np.diff([np.quantile(x, levels, method="inverted_cdf") for x in (a, b)], axis=0)).mean()
    assert f"W1 = {between:.4g}\n" in result.stdout
    assert "Two random halves of A, 15 points each, have W1 = " in result.stdout
    assert "Distribution functions" in (bench / "page" / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "severity", "words"),
    [
        ("gentle", "ok", "It is 1-Lipschitz, so its value is at most W1"),
        ("steep", "error", "at least 5 steep, so it is not 1-Lipschitz and its value bounds nothing"),
        ("loose", "warning", "Whether it is 1-Lipschitz is open"),
    ],
)
def test_a_critic_that_is_a_network(name: str, severity: str, words: str, bench: Path) -> None:
    (bench / "critics.py").write_text(CRITICS)
    result = snellen("transport", "3,1;1,1", "-2,2;0,0", "--critic", f"critics.py:{name}", "--json", "told.json")
    assert words in result.stdout, result.output
    (finding,) = [f for f in json.loads(Path("told.json").read_bytes())["findings"] if f["check"] == "transport/critic"]
    assert finding["severity"] == severity
    measured = finding["measured"]
    assert measured["lipschitz_low"] <= measured["lipschitz_high"] * (1 + 1e-6)
    assert measured["sure_value"] == pytest.approx(max(0, measured["critic_value"] / measured["lipschitz_high"]))


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("3,1", "-2"), 3, "the points of A have 2 coordinates, those of B 1"),
        (("3,nan", "1,1"), 3, "no file at 3,nan"),
        (("3,1", "absent.npy"), 3, "no file at absent.npy"),
        (("3,1", "1,1", "--critic", "1"), 2, "one finite weight a coordinate, 2 here"),
        (("3,1", "1,1", "--critic", "1;2"), 2, "--critic must be numbers with commas"),
        (("3,1", "1,1", "--critic", "critics.py:strange"), 3, "no bound is known for the layer 1 (Softmax)"),
        (("3,1", "1,1", "--out", "data.npz"), 2, "a report is a folder"),
    ],
)
def test_what_is_refused(arguments: tuple[str, ...], code: int, words: str, bench: Path) -> None:
    (bench / "critics.py").write_text(CRITICS)
    refused(snellen("transport", *arguments), code, words)


def test_an_option_that_does_not_exist() -> None:
    assert snellen("transport", "3,1", "-2,2", "--crtic", "1,1").exit_code == 2
