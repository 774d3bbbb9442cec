"""The words around the findings."""

from snellen.report.wording import rows, run_line, words


def test_where_nothing_was_computed_it_is_said_in_words() -> None:
    run = {"preset": "inspect", "seconds": 0.5, "device": "meta"}
    assert run_line(run).endswith("0.5\N{NO-BREAK SPACE}s · shapes only, nothing was computed")
    assert dict(rows(run))["device"] == "shapes only, nothing was computed"
    assert run_line({"device": "cpu"}) == "cpu"


def test_notes_that_hold_commas_stay_apart() -> None:
    assert words(["fed as it is, in [0, 1]", "2 of 9 images"]) == "fed as it is, in [0, 1]; 2 of 9 images"
    assert words([0.5, 0.25]) == "0.5, 0.25"
