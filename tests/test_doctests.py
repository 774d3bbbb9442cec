"""The examples in the docstrings run and print what they say."""

import ast
import doctest
import importlib
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src"


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")


WITH_EXAMPLES = sorted(module_name(p) for p in (SOURCE / "snellen").rglob("*.py") if "\n    >>> " in p.read_text())


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_run(name: str) -> None:
    module = importlib.import_module(name)
    failed, _ = doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert failed == 0


@pytest.mark.parametrize("family", ["attribution", "corruptions", "uncertainty", "visualisation"])
def test_the_example_of_every_method_is_run(family: str) -> None:
    for path in sorted((SOURCE / "snellen" / "instruments" / family).glob("[a-z]*.py")):
        classes = [n for n in ast.parse(path.read_text()).body if isinstance(n, ast.ClassDef)]
        text = "\n".join(ast.get_docstring(c) or "" for c in classes)
        assert ">>> " in text, path
        assert "doctest: +SKIP" not in text, path
        assert module_name(path) in WITH_EXAMPLES
