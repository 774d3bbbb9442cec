"""``snellen attack``: the budget as it was read, the pictures in the folder, errors that help."""

import json
from pathlib import Path

import pytest

from workbench import refused, snellen


def test_an_attack_writes_a_page_and_pictures(bench: Path) -> None:
    result = snellen("attack", "nets.py:toy", "data.npz", "--eps", "40", "--steps", "10", "--out", "out")
    assert result.exit_code == 0, result.stderr
    assert "Eps 40 is more than 1: read as levels, 40 of 255" in " ".join(result.stdout.split())
    document = json.loads((bench / "out/findings.json").read_text())
    shown = document["measured"]["attack_success"]
    assert shown > 0.5
    assert (bench / "out/index.html").is_file()
    assert list((bench / "out/pictures").rglob("*adversarial.png"))
    again = snellen("attack", "nets.py:toy", "data.npz", "--eps", "40", "--steps", "10", "--out", "out")
    assert again.exit_code == 0, "an earlier report is replaced, its pictures too"


def test_norms_and_budgets() -> None:
    result = snellen("attack", "nets.py:toy", "data.npz", "--norm", "l2", "--eps", "1.5", "--out", "out", "--json", "-")
    assert result.exit_code == 0, result.stderr
    assert "L2(eps=1.5)" in json.loads(result.stdout)["subject"]["attack"]


def test_a_curve_a_look_for_masking_and_a_surrogate(bench: Path) -> None:
    common = ("attack", "nets.py:toy", "data.npz", "--eps", "32/255", "--steps", "4", "--json", "-", "--quiet")
    document = json.loads(snellen(*common, "--curve", "--out", "out").stdout)
    checks = [finding["check"] for finding in document["findings"]]
    assert checks == ["robustness/attack", "robustness/budgets", "robustness/masking"]
    assert document["measured"]["robust_accuracy_32"] <= document["measured"]["robust_accuracy_4"]
    other = snellen(*common, "--method", "mi_fgsm", "--surrogate", "nets.py:sure", "--out", "other")
    assert other.exit_code == 0, other.stderr
    found = json.loads(other.stdout)
    assert [finding["check"] for finding in found["findings"]] == ["robustness/attack"]
    assert "0 gradients" in found["findings"][0]["sentence"]
    assert (bench / "other/index.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--method", "pdg"), 2, ("no attack named 'pdg'", "did you mean", "pgd")),
        (("--norm", "l3"), 2, ("no norm named 'l3'",)),
        (("--norm", "l2"), 2, ("pgd needs a budget in l2", "--eps")),
        (("--eps", "many"), 2, ("eps must be a positive number such as 8/255, 0.031 or 8 (levels)", "'many'")),
        (("--eps", "300"), 2, ("at most the whole range",)),
        (("--eps", "0.001"), 2, ("less than one of 255 levels",)),
        (("--through", "logits"), 2, ("scores or output, got 'logits'",)),
        (("--target", "dog"), 2, ("no class named 'dog'",)),
        (("--target", "1", "--moved", "0.5"), 2, ("one of moved and target",)),
        (("--method", "fgsm", "--steps", "3"), 2, ("fgsm has no steps",)),
    ],
)
def test_wrong_use(arguments: tuple[str, ...], code: int, words: tuple[str, ...], bench: Path) -> None:
    refused(snellen("attack", "nets.py:toy", "data.npz", *arguments, "--out", "out"), code, *words)
    assert not (bench / "out").exists()
