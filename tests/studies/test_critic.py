"""Critics where the distance is known: samplers against closed forms, training against the exact distance."""

import math

import numpy as np
import pytest
import torch

from snellen._errors import UsageError
from snellen.findings.findings import Findings
from snellen.instruments.transport.wasserstein import wasserstein
from snellen.report.schema import Document
from snellen.studies._critic_findings import Judged
from snellen.studies._critics import CLIP, points_network, taught_critic, told
from snellen.studies.critic import Critic, outwards_of


@pytest.fixture(scope="module")
def study() -> Critic:
    return Critic(dimensions=(1, 16), sample=40, steps=10, seeds=2, starts=1)


@pytest.fixture(scope="module")
def found(study: Critic) -> Judged:
    return study.run(seed=1)


def test_points_pushed_outwards_are_one_away() -> None:
    a, b = outwards_of(1)(3_000, torch.Generator().manual_seed(0))
    assert a.abs().min() >= 1
    assert wasserstein(a, b).distance == pytest.approx(1, abs=0.06)
    a, b = outwards_of(64)(4_000, torch.Generator().manual_seed(0))
    assert float(a.norm(dim=1).mean() - b.norm(dim=1).mean()) == pytest.approx(1, abs=0.06), "the best critic is |x|"


def test_a_critic_on_a_line_learns_the_distance() -> None:
    a, b = torch.linspace(0, 1, 128)[:, None] + 2, torch.linspace(0, 1, 128)[:, None]
    critic = taught_critic(lambda _count, _source: (a, b), 1, kept="penalty", steps=120, seed=0)
    assert told(critic, a, b) == pytest.approx(wasserstein(a, b).distance * 1.1, rel=0.1), "2 (1 + 2 / 2 lambda)"


def test_weights_are_clipped(found: Judged) -> None:
    critic = taught_critic(lambda n, g: (torch.randn(n, 2, generator=g) + 1,) * 2, 2, kept="clipping", steps=3, seed=0)
    assert max(float(p.detach().abs().max()) for p in critic.parameters()) == pytest.approx(CLIP)
    for row in found.asked:
        assert (row.clipped < 0.1).all()
        assert (row.clipped_scaled < 1).all()


def test_a_flat_start_says_nothing_and_moves_no_generator() -> None:
    before = torch.get_rng_state()
    net = points_network(3, 1, flat=True, seed=0)
    assert net(torch.randn(4, 3, generator=torch.Generator().manual_seed(0))).abs().max() == 0
    assert torch.equal(torch.get_rng_state(), before)
    assert points_network(3, 1, seed=0)[-1].weight.abs().max() > 0


def test_what_is_measured_is_in_its_bounds(found: Judged) -> None:
    line, space = found.asked
    assert (line.dimension, space.dimension) == (1, 16)
    for row in found.asked:
        assert (row.slope <= row.bound * (1 + 1e-5)).all()
        assert (row.own <= row.bound.max() * row.exact * 3).all()
    assert space.same.mean() > 1 > line.same.mean(), "few points of one distribution are far apart in high dimension"
    assert found.convolved.norm > found.convolved.flattened
    assert len(found.sides) == 1


def test_the_page_says_what_was_computed(found: Judged, study: Critic) -> None:
    findings = Findings(study.findings(found), subject={"study": study.title, **study.about()})
    Document.model_validate(findings.to_dict())
    assert findings.measured["exact_16"] == pytest.approx(np.mean(found.asked[1].exact))
    assert findings.measured["norm_ratio"] == found.convolved.norm / found.convolved.flattened
    assert math.isclose(findings.measured["expected_slope"], 1.05)


def test_wrong_settings() -> None:
    for settings in ({"seeds": 1}, {"sample": 1}, {"steps": 0}, {"dimensions": (0,)}, {"dimensions": ()}):
        with pytest.raises(UsageError, match="expected at least"):
            Critic(**settings)  # type: ignore[arg-type]
