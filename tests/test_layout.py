"""The house rules that a machine can check."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import snellen

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "snellen"
FILES = sorted(PACKAGE.rglob("*.py"))
FLOW = [
    "nets",
    "subject",
    "instruments",
    "findings",
    "puzzles",
    "training",
    "studies",
    "checks",
    "exam",
    "report",
    "cli",
]
"""A package may import those before it. Findings stand before training, which judges by their interval."""
LATE = {("findings/findings.py", "report"), ("subject/load/saved.py", "puzzles")}
"""The exceptions, imported only when they are asked to: what was seen saves itself as a page, and the file of a
de-shuffler becomes a network that cuts images by itself."""
NO_TORCH = ("findings", "report")
BANNED = {"utils", "util", "helpers", "helper", "common", "misc", "tools", "base", "core", "manager"}
LONGEST = 400
TESTED_ELSEWHERE: dict[str, str] = {
    "_shapes.py": "contracts/test_attribution.py",
    "findings/evidence.py": "report/test_to_json.py",
    "findings/finding.py": "findings/test_findings.py",
    "instruments/architecture/following.py": "instruments/architecture/test_receptive_field.py",
    "instruments/architecture/forward_trace.py": "instruments/architecture/test_wiring.py",
    "instruments/architecture/gradient_support.py": "instruments/architecture/test_receptive_field.py",
    "instruments/architecture/operation_watch.py": "instruments/architecture/test_wiring.py",
    "instruments/architecture/operations.py": "instruments/architecture/test_reach.py",
    "instruments/architecture/places.py": "instruments/architecture/test_receptive_field.py",
    "instruments/architecture/resampling.py": "instruments/architecture/test_receptive_field.py",
    "puzzles/growth.py": "puzzles/test_search.py",
    "puzzles/looks.py": "puzzles/test_report.py",
    "puzzles/members.py": "puzzles/test_load.py",
    "puzzles/pixels.py": "puzzles/test_restore.py",
    "puzzles/totals.py": "puzzles/test_solve.py",
    "puzzles/verdicts/accuracy.py": "puzzles/test_report.py",
    "puzzles/verdicts/archive.py": "puzzles/test_report.py",
    "puzzles/verdicts/confidence.py": "puzzles/test_report.py",
    "puzzles/verdicts/edges.py": "puzzles/test_report.py",
    "puzzles/verdicts/mistakes.py": "puzzles/test_report.py",
    "puzzles/verdicts/words.py": "puzzles/test_report.py",
    "subject/batches.py": "subject/test_images.py",
    "subject/fitting.py": "subject/test_preprocessing.py",
    "subject/load/hub_hf.py": "subject/load/test_hubs.py",
    "subject/load/hub_timm.py": "subject/load/test_hubs.py",
    "subject/load/hub_torchvision.py": "subject/load/test_hubs.py",
    "subject/load/images.py": "subject/load/test_load_images.py",
    "subject/load/labels.py": "subject/load/test_arrays.py",
    "subject/load/members.py": "subject/load/test_npz.py",
    "subject/load/npy.py": "subject/load/test_load_images.py",
    "subject/load/optional.py": "subject/load/test_hubs.py",
    "subject/predictions.py": "test_resnet20.py",
    "subject/source.py": "subject/test_images.py",
    "training/health/facts.py": "training/health/test_observe.py",
}
"""Modules without a test file of their own, and where in tests/ they are tested."""
TESTED_AS_A_WHOLE = ("checks", "cli", "exam", "report")
"""Packages whose tests go in at the front door; a module may still have a file of its own."""
PUBLIC = {
    "Finding",
    "Findings",
    "Images",
    "ImagesError",
    "InputError",
    "Network",
    "NetworkError",
    "NotApplicable",
    "Preprocessing",
    "SnellenError",
    "TrainingAudit",
    "UsageError",
    "audit_training",
    "examine",
    "load_images",
    "load_network",
}


def place(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(text_of(path))


def imports(tree: ast.Module) -> Iterator[tuple[str, bool]]:
    """Every imported module's full name, and whether it is imported at the top of the file."""
    top = set(map(id, tree.body))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or "", id(node) in top


def test_a_file_is_short() -> None:
    for path in FILES:
        lines = text_of(path).count("\n")
        assert lines <= LONGEST, f"{place(path)} has {lines} lines: one file, one idea"


def test_the_median_file_fits_two_screens() -> None:
    lengths = sorted(len(text_of(p).splitlines()) for p in FILES if p.name != "__init__.py")
    assert lengths[len(lengths) // 2] <= 150


def test_no_file_is_called_by_a_word_that_says_nothing() -> None:
    for path in (*FILES, *(ROOT / "tests").rglob("*.py")):
        words = {path.stem.removeprefix("test_"), path.parent.name}
        assert not words & BANNED, path


def test_imports_follow_the_flow() -> None:
    assert len(FILES) > 300
    for path in FILES:
        follows_the_flow(path)


def follows_the_flow(path: Path) -> None:
    own = path.relative_to(PACKAGE).parts[0] if path.parent != PACKAGE else ""
    assert not own or own in FLOW, f"{own} has no place in the flow"
    for name, at_top in imports(tree_of(path)):
        parts = name.split(".")
        if parts[0] != "snellen" or len(parts) == 1 or parts[1].startswith("_") or parts[1] == own:
            continue
        if path == PACKAGE / "__init__.py" or ((place(path), parts[1]) in LATE and not at_top):
            continue
        assert own, f"{place(path)} serves all packages and may not import {name}"
        assert FLOW.index(parts[1]) < FLOW.index(own), f"{place(path)} imports {name} against the flow"


def test_findings_and_reports_know_no_torch() -> None:
    for path in FILES:
        if place(path).split("/")[0] in NO_TORCH:
            knows_no_torch(path)


def knows_no_torch(path: Path) -> None:
    allowed = {"findings": {"findings", "_errors"}, "report": {"findings", "report", "_errors", "_atomic"}}
    own = place(path).split("/")[0]
    for name, _ in imports(tree_of(path)):
        parts = name.split(".")
        assert parts[0] not in {"torch", "torchvision", "timm", "transformers"}, f"{place(path)} imports {name}"
        if parts[0] == "snellen" and len(parts) > 1 and (place(path), parts[1]) not in LATE:
            assert parts[1] in allowed[own], f"{place(path)} imports {name}"


def test_every_module_has_a_test_file() -> None:
    for path in FILES:
        if path.name != "__init__.py":
            has_a_test_file(path)


def has_a_test_file(path: Path) -> None:
    here, package = place(path), place(path).split("/")[0]
    if here in TESTED_ELSEWHERE:
        assert (ROOT / "tests" / TESTED_ELSEWHERE[here]).is_file()
        assert not mirrored(path).is_file(), f"{here} has a test file now: take it off the list"
    elif path.name.startswith("_") and path.parent != PACKAGE and package not in TESTED_AS_A_WHOLE:
        folder = ROOT / "tests" / path.parent.relative_to(PACKAGE)
        assert any(folder.rglob("test_*.py")), f"nothing in {folder} tests {here}"
    elif package not in TESTED_AS_A_WHOLE:
        assert mirrored(path).is_file(), f"{here} has no {mirrored(path).relative_to(ROOT)}"


@pytest.mark.parametrize("package", TESTED_AS_A_WHOLE)
def test_every_package_has_tests(package: str) -> None:
    assert any((ROOT / "tests" / package).rglob("test_*.py"))


def test_the_exceptions_exist() -> None:
    assert [name for name in TESTED_ELSEWHERE if not (PACKAGE / name).is_file()] == []


def mirrored(path: Path) -> Path:
    relative = path.relative_to(PACKAGE)
    return ROOT / "tests" / relative.with_name(f"test_{relative.stem.removeprefix('_')}.py")


def test_house_style() -> None:
    for path in FILES:
        text, tree, here = text_of(path), tree_of(path), place(path)
        assert ast.get_docstring(tree), f"{here}: a module begins by saying what it is"
        assert "from __future__ import annotations" not in text, f"{here}: signatures are checked at run time"
        assert "TODO" not in text, here
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                assert not any(alias.name == "*" for alias in node.names), here


def test_the_public_names() -> None:
    assert set(snellen.__all__) == PUBLIC
    for name in PUBLIC:
        assert getattr(snellen, name).__name__ == name
    assert set(dir(snellen)) >= PUBLIC
    with pytest.raises(AttributeError, match="has no attribute 'Model'; it has"):
        _ = snellen.Model


def test_what_a_type_checker_sees_is_what_there_is() -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    seen = {
        alias.asname: node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert {name: snellen._HOMES[name] for name in PUBLIC} == {n: m for n, m in seen.items() if n in PUBLIC}


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    "statement", ["import snellen", "import snellen.findings.findings", "import snellen.report.save"]
)
def test_imports_that_must_be_light_do_not_load_torch(statement: str) -> None:
    done = run(f"import sys; {statement}; sys.exit('torch' in sys.modules)")
    assert done.returncode == 0, done.stderr


def test_help_does_not_load_torch() -> None:
    code = (
        "import sys; sys.argv = ['snellen', '--help']\n"
        "from snellen.cli.main import main\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    assert not end.code, end.code\n"
        "heavy = {'torch', 'matplotlib', 'sklearn', 'pyarrow'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    done = run(code)
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout
