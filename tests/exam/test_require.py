"""Bounds: what can be written, what cannot, and when one holds."""

import math
import operator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snellen._errors import UsageError
from snellen.exam.require import COMPARISONS, Bound, read_bound

NAMES = st.sampled_from(["accuracy", "top5_accuracy_low", "macs", "x.y"])
KNOWN = ["accuracy", "top5_accuracy_low", "macs", "x.y"]
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@given(NAMES, st.sampled_from(sorted(COMPARISONS)), NUMBERS)
def test_a_bound_survives_being_printed(name: str, comparison: str, value: float) -> None:
    bound = Bound(name, comparison, value)
    assert read_bound(str(bound), KNOWN) == bound


@given(NAMES, st.sampled_from(sorted(COMPARISONS)), NUMBERS, st.lists(st.sampled_from(["", " ", "  "]), min_size=4))
def test_spaces_do_not_matter(name: str, comparison: str, value: float, spaces: list[str]) -> None:
    text = f"{spaces[0]}{name}{spaces[1]}{comparison}{spaces[2]}{value!r}{spaces[3]}"
    assert read_bound(text, KNOWN) == Bound(name, comparison, value)


@given(st.integers(0, 100))
def test_per_cent(share: int) -> None:
    assert read_bound(f"accuracy >= {share}%", KNOWN) == Bound("accuracy", ">=", share / 100)
    assert read_bound(f"accuracy>={share} %", KNOWN).value == share / 100


@given(st.text(max_size=30) | st.text(alphabet="accuracy><=0.9e-+% ", max_size=20))
@settings(max_examples=50)
def test_any_text_is_a_bound_or_a_usage_error(text: str) -> None:
    try:
        bound = read_bound(text, KNOWN)
    except UsageError:
        return
    assert bound.name in KNOWN


NO_BOUNDS = """accuracy | accuracy 0.9 | accuracy = 0.9 | accuracy >= | >= 0.9 | accuracy >= nan | 0.9 <= accuracy |
    accuracy >= 0.9 0.8 | accuracy >= 1.2.3 | accuracy => 0.9 | accuracy >= .. | accuracy != 1"""


@pytest.mark.parametrize("text", ["", *(part.strip() for part in NO_BOUNDS.split("|"))])
def test_what_is_no_bound_says_how_one_reads(text: str) -> None:
    with pytest.raises(UsageError, match=r"must read like 'accuracy >= 0.9'.*got"):
        read_bound(text, KNOWN)


def test_an_unknown_number_names_the_close_ones() -> None:
    with pytest.raises(UsageError, match="did you mean accuracy"):
        read_bound("acuracy >= 0.9", KNOWN)


@given(st.sampled_from(sorted(COMPARISONS)), st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from([0.0, 0.5, 1.0]))
def test_when_it_holds(comparison: str, measured: float, value: float) -> None:
    python = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "==": operator.eq}
    assert Bound("a", comparison, value).holds({"a": measured}) is bool(python[comparison](measured, value))


@pytest.mark.parametrize("comparison", sorted(COMPARISONS))
def test_what_was_not_measured_and_what_is_no_number_fail(comparison: str) -> None:
    assert not Bound("a", comparison, 0.5).holds({})
    assert not Bound("a", comparison, 0.5).holds({"a": math.nan})
