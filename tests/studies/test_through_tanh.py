"""Exercise 6b: the slope of a tanh, and what it does to an attack."""

import pytest
import torch

from snellen._errors import UsageError
from snellen.findings.findings import Findings
from snellen.report.schema import Document
from snellen.studies._through_tanh_findings import Saturated
from snellen.studies.through_tanh import ThroughTanh


@pytest.fixture(scope="module")
def study() -> ThroughTanh:
    return ThroughTanh(steps=300, rates=(0.01, 1.0))


@pytest.fixture(scope="module")
def found(study: ThroughTanh) -> Saturated:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    result = study.run(seed=1)
    torch.set_num_threads(threads)
    return result


def test_the_groups_are_those_of_the_slope_of_a_tanh(found: Saturated) -> None:
    assert sum(found.counts) == found.images == 300
    bounds = [1 - torch.tanh(torch.tensor(edge)) ** 2 for edge in found.edges]
    for slope, high, low in zip(found.slopes, bounds, bounds[1:], strict=False):
        assert slope is None or low <= slope <= high
    assert found.error < 0.4, "it has learnt something: the wanted values have a root mean square of 0.9"


def test_the_flat_ones_are_moved_only_through_the_scores(found: Saturated) -> None:
    output, scores = found.at(0.01, "output"), found.at(0.01, "scores")
    assert scores.share > output.share + 0.2
    assert scores.shares[-1] > output.shares[-1] + 0.5
    assert found.at(1.0, "scores").share == 1


def test_one_rate_for_all_overshoots(found: Saturated) -> None:
    small, large = found.at(0.01, "scores").median, found.at(1.0, "output").median
    assert small is not None
    assert large is not None
    assert large > 1.5 * small


def test_the_page_says_what_was_computed(found: Saturated, study: ThroughTanh) -> None:
    findings = Findings(study.findings(found), subject={"study": study.title, **study.about()})
    Document.model_validate(findings.to_dict())
    assert findings.measured["through_output"] == found.at(found.widest, "output").share
    assert findings.measured["rate"] in found.rates


def test_wrong_settings() -> None:
    for settings in ({"steps": 0}, {"rates": ()}, {"rates": (0.1, -1.0)}):
        with pytest.raises(UsageError, match="steps must be at least 1 and rates positive"):
            ThroughTanh(**settings)  # type: ignore[arg-type]
