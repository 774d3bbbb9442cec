"""The ring: its points, both trainings for a few rounds, and what a covered mode is."""

import pytest
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from snellen._errors import UsageError
from snellen.findings.findings import Findings
from snellen.report.schema import Document
from snellen.studies._critics import points_network
from snellen.studies._ring_findings import Course, Ringed, findings
from snellen.studies.ring import JUDGED, Ring, centres


@pytest.fixture(scope="module")
def found() -> Ringed:
    return Ring(rounds=60, collapsing=20, seeds=1).run(seed=1)


def test_the_modes_lie_on_a_circle_as_far_apart_as_can_be() -> None:
    middle = centres()
    assert middle.norm(dim=1) == pytest.approx(torch.full((8,), 2.0))
    near = (torch.cdist(middle, middle) + 9 * torch.eye(8)).min(dim=1).values
    assert near == pytest.approx(torch.full((8,), 4 * torch.sin(torch.tensor(torch.pi / 8)).item()), rel=1e-5)


def test_the_one_that_runs_ahead_covers_less(found: Ringed) -> None:
    (healthy,), (collapsed,) = found.of("wasserstein-gp"), found.of("nonsaturating")
    assert healthy.rounds == (12, 24, 36, 48, 60)
    spread = [torch.tensor(course.points).std(dim=0).min() for course in (healthy, collapsed)]
    assert spread[0] > 1 > spread[1]
    assert collapsed.covered[-1] <= 1


def distance(a: Tensor, b: Tensor) -> float:
    """Wasserstein-1 of as many points, by the best matching."""
    apart = torch.cdist(a.double(), b.double()).numpy()
    return float(apart[linear_sum_assignment(apart)].mean())


def test_the_penalised_critic_leads_the_generator_to_the_ring(found: Ringed) -> None:
    """Of the seeds 0 to 5 between 0.49 and 0.65 of the distance before the training was left after 60 rounds."""
    (healthy,) = found.of("wasserstein-gp")
    real = torch.tensor(found.real)
    untaught = points_network(2, 2, seed=healthy.seed)
    with torch.no_grad():
        before = distance(untaught(torch.randn(300, 2, generator=torch.Generator().manual_seed(0))), real)
    assert distance(torch.tensor(healthy.points), real) < 0.75 * before


def test_a_covered_mode_has_a_quarter_of_its_share(found: Ringed) -> None:
    for course in found.courses:
        assert course.covered[-1] == sum(count >= JUDGED / 8 / 4 for count in course.counts)
        assert course.good[-1] == pytest.approx(sum(course.counts) / JUDGED)


def test_the_page_says_what_was_computed(found: Ringed) -> None:
    page = Findings(findings(found), subject={"study": Ring.title, **Ring().about()})
    Document.model_validate(page.to_dict())
    assert page.measured["modes_covered"] == found.of("wasserstein-gp")[0].covered[-1]
    whole = Course("wasserstein-gp", 0, (5,), (8,), (0.9,), (450,) * 8, found.centres)
    right = findings(Ringed((whole, *found.of("nonsaturating")), found.real, found.centres, JUDGED, 0.1))
    assert right[0].severity == "ok"
    assert page.findings[0].severity == ("ok" if page.measured["modes_covered"] == 8 else "warning")


def test_wrong_settings() -> None:
    for settings in ({"seeds": 0}, {"rounds": 4}, {"collapsing": 1}):
        with pytest.raises(UsageError, match="at least 1 seed and 5 rounds"):
            Ring(**settings)
