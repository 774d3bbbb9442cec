"""The documentation names only what exists: links, verbs, options, presets, methods, checks, numbers, imports."""

import ast
import importlib
import json
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import typer.main

from snellen.checks._base import AREAS, CHECKS
from snellen.checks.detection import CHECKS as DETECTION
from snellen.cli.main import app
from snellen.exam.catalogue import catalogue
from snellen.exam.detect import detection_metrics
from snellen.exam.plan import Plan, presets, read_plan
from snellen.exam.require import read_bound
from snellen.subject.load.sidecar import read_sidecar

ROOT = Path(__file__).resolve().parents[1]
FRONT = [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")]
PAGES = [*FRONT, *sorted((ROOT / "docs").rglob("*.md"))]
VERBS: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]  # it is a group
METHODS = {family: methods for family, methods in catalogue().items() if family != "checks"}
FORBIDDEN = ("/" + "work/", "bash" + "_jobs", "/" + "root/")
WIDTH = 120


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


every_page = pytest.mark.parametrize("page", PAGES, ids=place)


def blocks(page: Path, *languages: str) -> list[str]:
    """The fenced blocks of a page in these languages."""
    found = re.findall(r"^```(\w+)\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [text for language, text in found if language in languages]


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def commands(page: Path) -> Iterator[list[str]]:
    """The words of every ``snellen`` command in the shell blocks, and of those in the prose that have arguments."""
    lines = [line for block in blocks(page, "sh") for line in block.replace("\\\n", " ").splitlines()]
    lines += [line for line in re.findall(r"`(snellen [^`]*)`", prose(page)) if line.split()[1].islower()]
    for line in lines:
        if line.startswith("snellen "):
            yield shlex.split(line, comments=True)[1:]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, spelt as GitHub spells them."""
    heads = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if "://" in link:
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), f"{link}: nothing is at {target}"
        assert not anchor or anchor in anchors(target), f"{link}: {sorted(anchors(target))}"


def test_every_page_is_in_the_contents() -> None:
    contents = ROOT / "docs" / "index.md"
    links = re.findall(r"\]\(([^)#]+\.md)\)", contents.read_text(encoding="utf-8"))
    assert {(contents.parent / link).resolve() for link in links} >= set(PAGES) - {*FRONT, contents}


@every_page
def test_commands_name_verbs_and_options_that_exist(page: Path) -> None:
    for words in commands(page):
        if words[0].startswith("-"):
            assert words[0] == "--help"
            continue
        assert words[0] in VERBS, f"snellen {words[0]}"
        verb, rest = VERBS[words[0]], words[1:]
        tasks = getattr(verb, "commands", {})
        if tasks and rest and not rest[0].isupper():
            assert rest[0] in tasks, f"snellen {' '.join(words)}: tasks are {sorted(tasks)}"
            verb, rest = tasks[rest[0]], rest[1:]
        known = {option for parameter in verb.params for option in parameter.opts} | {"--help"}
        for word in rest:
            option = word.startswith("-") and word != "-" and not re.match(r"-\.?\d", word)
            assert not option or word in known, f"snellen {' '.join(words)}: {word}"


@every_page
def test_values_of_options_exist(page: Path) -> None:
    for words in commands(page):
        plan = read_plan("standard")
        for option, value in pairwise(words):
            if option == "--preset" and not value.endswith(".toml"):
                assert value in presets()
            if option == "--method":
                family = {"explain": "attribution", "uncertainty": "uncertainty", "attack": "attacks"}[words[0]]
                assert value in METHODS[family]
            if option == "--require":
                read_bound(value, detection_metrics() if words[0] == "detect" else plan.metrics)
        if words[0] == "describe" and len(words) > 1 and not words[1].isupper():
            assert any(words[1] in methods for methods in catalogue().values()), words


@every_page
def test_checks_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for area, name in re.findall(rf"(?<![\w/])({'|'.join(AREAS)})/([a-z][a-z_0-9]*)(?![\w/.-])", text):
        assert f"{area}/{name}" in CHECKS


def test_every_measured_number_is_in_the_table() -> None:
    of_detectors = {f"detection/{name}": check for name, check in DETECTION.items()}
    for page, checks in (("guide/examine.md", CHECKS), ("methods/detection.md", of_detectors)):
        rows = re.findall(r"^\| (`.*?`) \| .* \| (\w+/\w+) \|$", prose(ROOT / "docs" / page), re.MULTILINE)
        told = {(name, check) for names, check in rows for name in re.findall(r"`(\w+)`", names)}
        assert told == {(name, check) for check, method in checks.items() for name in method.metrics}


def test_every_verb_and_preset_is_told() -> None:
    text = prose(ROOT / "docs/guide/examine.md")
    for name in (*VERBS, *presets()):
        assert re.search(rf"^\| `{name}[ `]", text, re.MULTILINE), name


def test_every_method_has_a_page() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs" / "methods").glob("*.md"))
    for methods in METHODS.values():
        for name in methods:
            assert f"snellen describe {name}" in text or f"--method {name}" in text, name


@every_page
def test_plans_and_sidecars_are_ones(page: Path, tmp_path: Path) -> None:
    for text in blocks(page, "toml"):
        assert Plan(name="example", **tomllib.loads(text)).build()
    for text in blocks(page, "json"):
        json.loads(text)
        (tmp_path / "about.json").write_text(text, encoding="utf-8")
        assert read_sidecar(tmp_path / "about.json").preprocessing is not None


@every_page
def test_python_examples_import_what_exists(page: Path) -> None:
    for text in blocks(page, "python"):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom):
                module = importlib.import_module(node.module or "")
                assert all(hasattr(module, alias.name) for alias in node.names), ast.unparse(node)


@every_page
def test_files_and_tests_that_are_named_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for path in re.findall(r"`((?:src/snellen|tests|benchmarks|docs)/[\w./-]+)`", text):
        assert (ROOT / path).exists(), path
    assert set(re.findall(r"`(test_\w+)`", text)) <= names_of_tests()


@cache
def names_of_tests() -> set[str]:
    """Of every test in every file."""
    files = (ROOT / "tests").rglob("test_*.py")
    return {name for file in files for name in re.findall(r"def (test_\w+)\(", file.read_text(encoding="utf-8"))}


@every_page
def test_lines_are_not_too_long(page: Path) -> None:
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        assert len(line) <= WIDTH or line.startswith("|"), f"line {number}: {len(line)}"


def test_no_path_of_this_machine_is_in_the_repository() -> None:
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    for name in filter(None, done.stdout.split("\0")):
        path = ROOT / name
        data = path.read_bytes() if path.is_file() else b""
        if b"\0" not in data:
            found = [word for word in FORBIDDEN if word.encode() in data]
            assert not found, f"{name}: {found}"
