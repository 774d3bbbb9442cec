"""``snellen list``, ``describe`` and ``--help``: what there is, in words and in JSON."""

import json

import pytest
import torch

from snellen import __version__ as snellen_version
from snellen.exam.catalogue import catalogue
from snellen.exam.plan import presets
from workbench import refused, snellen

METHODS = [name for methods in catalogue().values() for name in methods]
VERBS = ("examine", "predict", "explain", "visualise", "uncertainty", "list", "describe")


def test_the_versions_are_said() -> None:
    result = snellen("--version")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(f"snellen {snellen_version}, torch {torch.__version__}, Python 3.")


def test_list_names_everything() -> None:
    result = snellen("list")
    assert result.exit_code == 0
    for name in (*METHODS, *presets()):
        (line,) = [line for line in result.stdout.splitlines() if line.split()[:1] == [name]]
        assert len(line.split()) > 2, "a sentence stands beside it"


def test_list_as_json() -> None:
    document = json.loads(snellen("list", "--json", "-").stdout)
    assert document.pop("schema_version") == 1
    assert list(document) == [*catalogue(), "presets"]
    assert {name for group in document.values() for name in group} == {*METHODS, *presets()}


@pytest.mark.parametrize("name", METHODS)
def test_describe_prints_the_page_of_every_method(name: str) -> None:
    result = snellen("describe", name)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith(f"{name} (")
    assert "Settings and their defaults:" in result.stdout
    assert "In Python: from snellen." in result.stdout
    document = json.loads(snellen("describe", name, "--json", "-").stdout)
    assert document["schema_version"] == 1
    assert document["name"] == name
    assert document["text"] in result.stdout
    for setting, value in document["settings"].items():
        assert f"    {setting} = {value}\n" in result.stdout


def test_describe_names_the_close_ones() -> None:
    refused(
        snellen("describe", "guided_backpop"), 2, "no method named 'guided_backpop'", "did you mean guided_backprop"
    )
    refused(snellen("describe", "accuracy/top2"), 2, "did you mean accuracy/top1")


def test_help_names_the_verbs_and_the_exit_codes() -> None:
    result = snellen("--help")
    assert result.exit_code == 0
    for verb in VERBS:
        assert f" {verb} " in result.stdout
    assert "130 interrupted" in " ".join(result.stdout.split())


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_and_json(verb: str) -> None:
    result = snellen(verb, "--help")
    assert result.exit_code == 0
    assert "--json" in result.stdout
