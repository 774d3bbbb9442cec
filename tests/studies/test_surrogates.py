"""Exercise 6a: who has the advantage when."""

import pytest
import torch

from snellen._errors import UsageError
from snellen.findings.findings import Findings
from snellen.report.schema import Document
from snellen.studies._surrogates_findings import Attempt, Compared
from snellen.studies.surrogates import Surrogates


@pytest.fixture(scope="module")
def found() -> Compared:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    result = Surrogates(steps=200).run(seed=1)
    torch.set_num_threads(threads)
    return result


def test_the_white_box_wins_where_its_slope_is_the_networks(found: Compared) -> None:
    assert found.best_white("as it is") > 0.9
    assert found.best_white("as it is") > (found.at("as it is", "surrogate").share or 0)


def test_the_surrogate_wins_where_the_slope_is_zero_flat_or_out_of_reach(found: Compared) -> None:
    assert set(found.advantages) == {"behind rounded pixels", "behind a tanh of 30 z", "only its answers"}
    assert found.best_white("behind rounded pixels") == 0
    for method in ("carlini_wagner", "bim"):
        assert found.at("only its answers", method).fooled is None


def test_an_advantage_is_one_beyond_both_intervals() -> None:
    def at(surrogate: int, white: int) -> Compared:
        attempts = (Attempt("v", "surrogate", surrogate, 100, 1.0), Attempt("v", "bim", white, 100, 1.0))
        return Compared((*attempts, Attempt("v", "carlini_wagner", 0, 100, 1.0)), ("v",), 8, 100, 100)

    assert at(60, 30).advantages == ("v",)
    assert at(60, 55).advantages == ()
    assert at(30, 60).advantages == ()


def test_the_page_says_what_was_computed(found: Compared) -> None:
    study = Surrogates(steps=200)
    findings = Findings(study.findings(found), subject={"study": study.title, **study.about()})
    Document.model_validate(findings.to_dict())
    assert findings.measured["as_it_is_bim"] == found.at("as it is", "bim").share
    assert "only_its_answers_bim" not in findings.measured


def test_wrong_settings() -> None:
    for settings in ({"steps": 0}, {"levels": 0}, {"levels": 256}):
        with pytest.raises(UsageError, match="levels from 1 to 255"):
            Surrogates(**settings)
