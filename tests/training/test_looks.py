"""The ledger: looks counted, reuse found, and nothing said where nothing was reused."""

from collections.abc import Callable

import numpy as np
import pytest

from snellen._errors import UsageError
from snellen.training.looks import Looks, correlation
from snellen.training.optimism import optimism


def answers(right: int, of: int = 100, seed: int = 0) -> np.ndarray:
    """So many right answers in an order of its own."""
    return np.random.default_rng(seed).permutation(np.arange(of) < right)


def trained(*, rate_by: str) -> Looks:
    """Two epochs of three rates, the epoch by val, the rate by one of the two."""
    looks = Looks()
    best = []
    for i, rate in enumerate(("a", "b", "c")):
        names = [f"{rate} {epoch}" for epoch in (1, 2)]
        for j, name in enumerate(names):
            looks.look("val", name, answers(80 + 2 * i + 3 * j, seed=10 * i + j))
        best.append(looks.choose("epoch", "val", names))
    if rate_by == "test":
        for i, name in enumerate(best):
            looks.look("test", name, answers(85 - i, seed=50 + i))
    chosen = looks.choose("rate", rate_by, best)
    if rate_by == "val":
        looks.look("test", chosen, answers(83))
    looks.report("test", chosen)
    return looks


def test_every_look_is_counted_also_the_same_again() -> None:
    assert trained(rate_by="test").counts == {"val": 6, "test": 3}
    assert trained(rate_by="val").counts == {"val": 6, "test": 1}
    looks = Looks()
    for right in (70, 75):
        looks.look("test", "last", answers(right))
    assert looks.counts == {"test": 2}
    assert looks.accuracy("test", "last") == 0.75


def test_a_rate_chosen_on_the_reported_split_is_found() -> None:
    looks = trained(rate_by="test")
    (reuse,) = looks.reused(seed=4)
    assert (reuse.split, reuse.candidates, reuse.images, reuse.reported) == ("test", 3, 100, 0.85)
    assert [choice.what for choice in reuse.choices] == ["rate"]
    assert reuse.choices[0].among == ("a 2", "b 2", "c 2")
    assert reuse.choices[0].chosen == "a 2"
    assert reuse.apart == optimism(100, [0.85, 0.84, 0.83], correlation=reuse.correlation, seed=4)
    assert reuse.alike == optimism(100, [0.85] * 3, correlation=reuse.correlation, seed=4)
    found = looks.finding()
    assert found.severity == "warning"
    assert found.title == "Chosen on a split that is reported: test"
    assert "Looks: val 6; test 3" in found.sentence
    assert "among 3 candidates, and test is reported: expect its 85.0% of 100 images to be too good" in found.sentence
    assert found.measured["test_reported"] == 0.85
    assert found.remedy


def test_a_test_part_that_chose_nothing_is_in_order() -> None:
    looks = trained(rate_by="val")
    assert looks.reused() == ()
    found = looks.finding()
    assert (found.severity, found.title) == ("ok", "The reported split chose nothing")
    untouched = Looks()
    untouched.look("test", "a", [1, 0])
    assert untouched.finding().evidence == ()


def test_reporting_the_validation_part_is_found_too() -> None:
    looks = trained(rate_by="val")
    looks.report("val", "c 2")
    (reuse,) = looks.reused()
    assert (reuse.split, reuse.candidates) == ("val", 6)
    assert {choice.what for choice in reuse.choices} == {"epoch", "rate"}


def test_the_first_of_equals_is_taken() -> None:
    looks = Looks()
    for name in ("x", "y"):
        looks.look("val", name, answers(50))
    assert looks.choose("it", "val") == "x"
    assert looks.choose("it", "val", ["y", "x"]) == "y"


def test_a_choice_by_something_else_is_noted_and_judged() -> None:
    looks = Looks()
    for i, name in enumerate(("x", "y", "z")):
        looks.look("val", name, answers(90 - i, seed=i))
    looks.chose("epoch", "val", "y", ("x", "y", "z"))
    looks.report("val", "y")
    (reuse,) = looks.reused(seed=1)
    assert (reuse.candidates, reuse.reported, reuse.choices[0].chosen) == (3, 0.89, "y")
    assert reuse.alike == optimism(100, [0.89] * 3, correlation=reuse.correlation, seed=1)


def test_the_correlation_is_phi() -> None:
    one, other = answers(60, seed=1), answers(70, seed=2)
    both = float((one & other).mean())
    phi = (both - 0.6 * 0.7) / np.sqrt(0.6 * 0.4 * 0.7 * 0.3)
    assert correlation(one, [other]) == pytest.approx(max(phi, 0), abs=1e-12)
    assert correlation(one, [one]) == pytest.approx(1)
    assert correlation(one, [~one]) == 0
    assert correlation(one, [np.zeros(100, bool), one]) == pytest.approx(1)  # the worse half says nothing
    assert correlation(one, [np.ones(100, bool)]) == 0
    assert correlation(np.ones(100, bool), [one]) == 0


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda k: k.look("val", "a", []), "needs for each image whether it is right"),
        (lambda k: k.look("val", "a", [0.5, 1]), "of 0 and 1; got float64 of shape .2,."),
        (lambda k: k.look("val", "a", [float("nan")]), "of 0 and 1"),
        (lambda k: k.look("val", "a", [[1, 0]]), "shape .1, 2."),
        (lambda k: k.look("val", "a", True), "shape .."),
        (lambda k: k.look("seen", "b", [1, 0]), "split 'seen' had 3 images and now has 2"),
        (lambda k: k.accuracy("sean", "a"), "no split that was looked at named 'sean'; did you mean seen"),
        (lambda k: k.accuracy("seen", "b"), "no candidate that was looked at on 'seen' named 'b'"),
        (lambda k: k.report("seen", "b"), "named 'b'"),
        (lambda k: k.chose("rate", "seen", "b", ["a"]), "named 'b'"),
        (lambda k: k.chose("rate", "seen", "a", ["a", "b"]), "named 'b'"),
        (lambda k: k.choose("rate", "test"), "nothing to choose rate from"),
        (lambda k: k.choose("rate", "seen", []), "nothing to choose rate from"),
        (lambda k: k.choose("rate", "seen", ["a", "b"]), "named 'b'"),
    ],
)
def test_what_is_refused_leaves_the_ledger_as_it_was(wrong: Callable[[Looks], object], words: str) -> None:
    looks = Looks()
    looks.look("seen", "a", [1, 0, 1])
    with pytest.raises(UsageError, match=words):
        wrong(looks)
    assert looks.counts == {"seen": 1}
    assert looks.choices == looks.reports == []
    assert set(looks.right) == {"seen"}
