"""The tree of exceptions, their exit codes, and the one wording for an unknown name."""

import inspect
import re

import pytest

from snellen import _errors
from snellen._errors import (
    ImagesError,
    InputError,
    NetworkError,
    NotApplicable,
    SnellenError,
    UsageError,
    raised,
    unknown,
)


@pytest.mark.parametrize(
    ("error", "parents", "code"),
    [
        (UsageError, (SnellenError, ValueError), 2),
        (InputError, (SnellenError,), 3),
        (NetworkError, (InputError,), 3),
        (ImagesError, (InputError,), 3),
        (NotApplicable, (InputError,), 3),
    ],
)
def test_the_tree(error: type[SnellenError], parents: tuple[type[Exception], ...], code: int) -> None:
    assert all(issubclass(error, parent) for parent in parents)
    assert error.exit_code == code
    assert not issubclass(InputError, ValueError)


def test_the_docstring_draws_every_error() -> None:
    names = [name for name, value in vars(_errors).items() if inspect.isclass(value) and issubclass(value, Exception)]
    assert len(names) == 6
    assert all(name in (_errors.__doc__ or "") for name in names)


def test_unknown_names_what_comes_close_and_what_exists() -> None:
    error = unknown("attack", "fgms", ["pgd", "fgsm", "carlini_wagner"])
    assert isinstance(error, UsageError)
    assert str(error) == "no attack named 'fgms'; did you mean fgsm? Known: carlini_wagner, fgsm, pgd."


def test_unknown_without_anything_close_or_known() -> None:
    assert str(unknown("attack", "zzz", ["pgd"])) == "no attack named 'zzz'. Known: pgd."
    assert str(unknown("attack", "pgd", [])) == "no attack named 'pgd'. Known: none."


def test_unknown_among_many_lists_forty() -> None:
    text = str(unknown("class", "x", (f"name {i:04d}" for i in range(1000))))
    assert text.endswith("name 0039 and 960 more.")


def test_unknown_hears_no_case() -> None:
    assert str(unknown("attack", "PGD", ["pgd", "square"])).startswith("no attack named 'PGD'; did you mean pgd?")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (RuntimeError("shapes differ"), "net raised on a batch: RuntimeError: shapes differ. Check .* \\(--input\\)"),
        (TypeError("f() missing 1 required positional argument: 'y'"), "images alone: wrap it in a module"),
        (RuntimeError("hooks are not supported on ScriptModules"), "give the Python module that it was made of"),
        (
            RuntimeError("in the TorchScript interpreter.\nTraceback ...\n  ~~~ <--- HERE\nRuntimeError: too small\n"),
            "^net raised on a batch: RuntimeError: too small\\. Check",
        ),
    ],
)
def test_a_network_that_raised_is_told_in_one_line_with_what_to_do(error: Exception, expected: str) -> None:
    text = str(raised("net", "a batch", error, options="--input"))
    assert re.search(expected, text)
    assert "\n" not in text
