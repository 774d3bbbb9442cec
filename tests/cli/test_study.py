"""``snellen study NAME``: every study has its command, writes its page and prints its numbers."""

import json
from dataclasses import fields
from inspect import signature
from pathlib import Path

import pytest

from snellen.cli.study import app
from snellen.report.schema import Document
from snellen.studies import STUDIES
from snellen.studies.improve import Improve
from snellen.studies.selection import Selection
from workbench import refused, snellen

SMALL = ("--seeds", "2", "--epochs", "2", "--train", "40", "--val", "30", "--test", "30")


def test_every_study_has_a_command() -> None:
    assert {command.name for command in app.registered_commands} == {name.replace("_", "-") for name in STUDIES}


def test_selection_writes_a_page_and_json(bench: Path) -> None:
    result = snellen("study", "selection", *SMALL, "--json", "numbers.json")
    assert result.exit_code == 0, result.output
    assert "The page: study-selection/index.html" in result.stdout
    page = (bench / "study-selection" / "index.html").read_text(encoding="utf-8")
    assert "<h1>What may be chosen on which split</h1>" in page
    document = json.loads((bench / "numbers.json").read_bytes())
    Document.model_validate(document)
    assert document["run"]["preset"] == "study"
    assert "learning rate was chosen on test" in result.stdout.replace("\n            ", " ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(("--train", "1700"), ("must stay untouched",)), (("--out", "data.npz"), ("a report is a folder",))],
)
def test_wrong_usage_is_refused_before_the_work(
    arguments: tuple[str, ...], words: tuple[str, ...], bench: Path
) -> None:
    refused(snellen("study", "selection", *arguments), 2, *words)
    assert not (bench / "study-selection").exists()


@pytest.mark.parametrize("name", sorted(STUDIES))
def test_the_page_lies_in_a_folder_of_the_study_s_name(name: str, bench: Path) -> None:
    """A file of that name is in the way, and is found before the work."""
    name = name.replace("_", "-")
    (bench / f"study-{name}").touch()
    refused(snellen("study", name), 2, f"study-{name}", "a report is a folder")


def test_bounds_of_the_options() -> None:
    assert snellen("study", "selection", "--seeds", "1").exit_code == 2
    assert snellen("study", "selection", "--test", "0").exit_code == 2
    assert snellen("study", "selection", "--seed", "-1").exit_code == 2
    assert snellen("study", "nothing").exit_code == 2


def test_the_options_say_the_settings_of_the_study() -> None:
    for study in (Selection(), Improve()):
        (command,) = [c for c in app.registered_commands if c.name == type(study).__name__.lower()]
        assert command.callback is not None
        options = signature(command.callback).parameters
        for name in {field.name for field in fields(study)} & set(options):
            assert options[name].default == getattr(study, name)


def test_improve_takes_images_of_ones_own_or_none() -> None:
    refused(snellen("study", "improve", "--init", "first.safetensors"), 2, "init is for images of your own")
    assert not Path("study-improve").exists()
