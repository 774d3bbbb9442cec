"""Discovery: a module is a method; mistakes of the author are named; it behaves as a mapping."""

import sys
from pathlib import Path

import pytest

from snellen._errors import UsageError
from snellen._family import Family

BASE = "class Method: pass\n"
METHOD = "from {package}._base import Method\nclass {name}(Method): pass\n"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    name = "family_of_" + "".join(c if c.isalnum() else "_" for c in request.node.name)
    root = tmp_path / name
    root.mkdir()
    (root / "__init__.py").write_text("")
    (root / "_base.py").write_text(BASE)
    for module, cls in (("second", "Second"), ("first", "First")):
        (root / f"{module}.py").write_text(METHOD.format(package=name, name=cls))
    monkeypatch.syspath_prepend(tmp_path)
    return root


def family(package: Path) -> "Family[object]":
    __import__(f"{package.name}._base")
    return Family(package.name, sys.modules[f"{package.name}._base"].Method)


def test_a_new_file_is_a_new_method(package: Path) -> None:
    (package / "third.py").write_text(METHOD.format(package=package.name, name="Third"))
    (package / "_private.py").write_text("raise RuntimeError('must not be imported')\n")
    found = family(package)
    assert list(found) == ["first", "second", "third"]
    assert len(found) == 3
    assert found["third"].__name__ == "Third"
    assert "third" in found
    assert "Third" not in found
    assert found.name == package.name


def test_what_a_module_only_imports_is_not_its_method(package: Path) -> None:
    text = METHOD.format(package=package.name, name="Third")
    extra = f"from {package.name}.first import First\nclass _Inner(Method): pass\nclass Result: pass\n"
    (package / "third.py").write_text(text + extra)
    assert family(package)["third"].__name__ == "Third"


@pytest.mark.parametrize("count", [0, 2])
def test_a_module_without_a_method_or_with_two_is_named(package: Path, count: int) -> None:
    lines = "".join(f"class M{i}(Method): pass\n" for i in range(count))
    (package / "third.py").write_text(f"from {package.name}._base import Method\n{lines}")
    got = [f"M{i}" for i in range(count)]
    with pytest.raises(TypeError) as caught:
        list(family(package))
    assert str(caught.value) == f"{package.name}.third must define exactly one public Method, got {got}"


def test_an_unknown_method_is_a_usage_error_that_helps(package: Path) -> None:
    with pytest.raises(UsageError, match=r"method named 'frist'; did you mean first\? Known: first, second\."):
        family(package)["frist"]


def test_it_is_a_mapping(package: Path) -> None:
    found = family(package)
    assert found.get("first") is found["first"]
    assert found.get("nope") is None
    assert found.get("nope", 3) == 3
    assert dict(found.items()) == {name: found[name] for name in ("first", "second")}


def test_nothing_is_imported_before_it_is_asked_for(package: Path) -> None:
    (package / "third.py").write_text("raise RuntimeError('imported')\n")
    found = family(package)
    with pytest.raises(RuntimeError, match="imported"):
        list(found)
