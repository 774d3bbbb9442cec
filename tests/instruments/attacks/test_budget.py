"""A budget in all the ways that people write it, and what is said of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snellen._errors import UsageError
from snellen.instruments.attacks._budget import read_eps
from snellen.instruments.attacks._norms import L0, L2, Linf
from snellen.instruments.attacks._window import Window


@given(st.integers(2, 255))
def test_levels_are_the_same_budget_however_they_are_written(k: int) -> None:
    for text in (f"{k}/255", f" {k} / 255 ", str(k), f"{k}.0", f"{k / 255:.9f}"):
        budget, said = read_eps(text)
        assert isinstance(budget, Linf)
        assert budget.levels == k
        assert f"{k} of 255" in said


@pytest.mark.parametrize(
    ("text", "levels", "said"),
    [
        ("8", 8, "eps 8 is more than 1: read as levels, 8 of 255 (eps 0.03137)"),
        ("8/255", 8, "eps 8/255 is 8 of 255 levels (eps 0.03137)"),
        ("0.031", 7, "eps 0.031 is 7.905 levels of 255: whole levels are used, 7 (eps 0.02745)"),
        ("2.5", 2, "eps 2.5 is more than 1: read as levels, 2 of 255, rounded down (eps 0.007843)"),
        ("1", 255, "eps 1 is the whole range, 255 of 255 levels; one level is 1/255"),
        ("1/255", 1, "eps 1/255 is 1 of 255 levels (eps 0.003922)"),
        (".5", 127, "eps .5 is 127.5 levels of 255: whole levels are used, 127 (eps 0.498)"),
        ("3.1e-2", 7, "eps 3.1e-2 is 7.905 levels of 255: whole levels are used, 7 (eps 0.02745)"),
    ],
)
def test_how_a_text_was_read(text: str, levels: int, said: str) -> None:
    budget, sentence = read_eps(text)
    assert isinstance(budget, Linf)
    assert (budget.levels, sentence) == (levels, said)


def test_other_norms_have_units_of_their_own() -> None:
    assert read_eps("3", "l2") == (L2(3), "eps 3 is the Euclidean length of the change of all values, pixels in [0, 1]")
    assert read_eps("128/255", "l2")[0] == L2(128 / 255)
    assert read_eps("20", "l0") == (L0(20), "eps 20 is the number of pixels that may change: 20")
    assert read_eps("0.05", "window") == (Window(0.05), "eps 0.05 is the part of the image that the patch covers")


@pytest.mark.parametrize(
    "text", ["", "0", "0.0", "-1", "nan", "inf", "8/0", "8%", "eight", "1/255/2", "1e999", "8 255"]
)
def test_what_is_no_budget(text: str) -> None:
    with pytest.raises(UsageError, match=r"positive number such as 8/255, 0.031 or 8 \(levels\), got '"):
        read_eps(text)


@pytest.mark.parametrize(
    ("text", "norm", "said"),
    [
        ("256", "linf", "at most the whole range, 1 or 255 levels; got 256"),
        ("2/1", "linf", "at most the whole range"),
        ("0.003", "linf", "less than one of 255 levels"),
        ("0.5", "l0", "counts pixels and must be at least 1, got 0.5"),
        ("2", "window", "a part of the image, at most 1, got 2"),
        ("8", "linfinity", "did you mean linf"),
    ],
)
def test_budgets_that_a_norm_has_not(text: str, norm: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_eps(text, norm)
