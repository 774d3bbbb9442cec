"""Exercise 1a: gradients by finite differences, training against a loop of its own, and settings that mean nothing."""

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from snellen._errors import UsageError
from snellen.findings.evidence import Table
from snellen.findings.findings import Findings
from snellen.nets.deep_chain import DeepChain
from snellen.report.schema import Document
from snellen.studies._chains import Chains, Design
from snellen.studies._protocols import Mean
from snellen.studies.residual import ResidualConnections, gradients, he_network, network, train

SMALL = ResidualConnections(seeds=2, layers=12, images=70, held=30, steps=20)
PIXELS = torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(6)


@pytest.fixture(scope="module")
def small() -> Chains:
    return SMALL.run(seed=1)


@pytest.mark.parametrize("skip", [False, True])
def test_the_gradient_by_a_map_is_the_slope_of_the_loss(skip: bool) -> None:
    """By finite differences: a step along the gradient changes the loss by its norm."""
    net = DeepChain(6, width=3, skip=skip, norm=False, seed=1)
    found = gradients(net, PIXELS, LABELS)
    assert len(found) == 3
    twin = net.double()
    maps = torch.relu(twin.first(PIXELS.double())).detach()
    for place in range(3):

        def loss(start: torch.Tensor, place: int = place) -> torch.Tensor:
            for pair in list(twin.pairs)[place:]:
                start = pair(start)
            return F.cross_entropy(twin.last(start.mean((2, 3))), LABELS)

        start = maps.clone().requires_grad_()
        (slope,) = torch.autograd.grad(loss(start), start)
        step = 1e-6 * slope / slope.norm()
        with torch.no_grad():
            assert float((loss(maps + step) - loss(maps - step)) / 2e-6) == pytest.approx(found[place], rel=1e-4)
            maps = twin.pairs[place](maps) if place < 2 else maps


def test_measuring_leaves_the_network_alone() -> None:
    net = network(Design(12, skip=True, norm=True), seed=0)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    gradients(net, PIXELS, LABELS)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert net.training


def test_training_is_adam_step_by_step() -> None:
    net, twin = (network(Design(12, skip=True, norm=False), seed=5) for _ in "ab")
    curve = train(net, PIXELS, LABELS, steps=20, seed=2)
    first, second = ([torch.zeros_like(p) for p in twin.parameters()] for _ in "ab")
    losses = []
    for t in range(1, 21):
        loss = F.cross_entropy(twin(PIXELS), LABELS)
        slopes = torch.autograd.grad(loss, list(twin.parameters()))
        with torch.no_grad():
            for p, m, v, g in zip(twin.parameters(), first, second, slopes, strict=True):
                m.mul_(0.9).add_(0.1 * g)
                v.mul_(0.999).add_(0.001 * g**2)
                p.sub_(0.003 * (m / (1 - 0.9**t)) / ((v / (1 - 0.999**t)).sqrt() + 1e-8))
        losses.append(loss.item())
    assert curve == pytest.approx([np.mean(losses[:10]), np.mean(losses[10:])], rel=1e-3)
    assert not net.training


def test_he_is_drawn_with_the_spread_of_his_paper() -> None:
    net = he_network(40, seed=0)
    weights = torch.cat([pair.conv1.weight.flatten() for pair in net.pairs])
    assert weights.std().item() == pytest.approx((2 / 72) ** 0.5, rel=0.03)


def test_the_designs_and_their_gradients(small: Chains) -> None:
    assert [chain.design.key for chain in small.chains] == [
        *("plain_10", "plain_12", "residual_12"),
        *("plain_10_norm", "plain_12_norm", "residual_12_norm"),
    ]
    plain, skip = (small.of(Design(12, skip=s, norm=False)) for s in (False, True))
    assert plain.gradients.shape == (2, 6)
    assert plain.parameters == skip.parameters == 80 + 10 * 584 + 90
    assert (plain.decades < skip.decades - 1).all()
    assert small.steps == (10, 20)


def test_the_page_says_what_was_computed(small: Chains) -> None:
    findings = Findings(SMALL.findings(small), subject={"study": SMALL.title, **SMALL.about()})
    Document.model_validate(findings.to_dict())
    plain, skip, shallow = (
        small.of(Design(layers, skip=s, norm=False)) for layers, s in ((12, False), (12, True), (10, False))
    )
    measured = findings.measured
    assert measured["gain"] == Mean.of(skip.loss - plain.loss).value
    assert measured["depth_high"] == Mean.of(plain.loss - shallow.loss).high
    assert measured["decades_plain_12"] == Mean.of(np.log10(plain.gradients[:, 0] / plain.gradients[:, -1])).value
    tables = {e.title: e for f in findings for e in f.evidence if isinstance(e, Table)}
    assert tables["Every seed"].rows[1][1] == shallow.curve[1].mean()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"seeds": 1}, "at least 2 seeds.*got seeds=1"),
        ({"images": 0}, "images=0"),
        ({"steps": 19}, "steps=19"),
        ({"layers": 10}, "more than 10, got 10"),
        ({"layers": 13}, "even and more than 10, got 13"),
        ({"images": 1_500, "held": 600}, "there are 1,797 digits; images and held ask for 2,100"),
    ],
)
def test_settings_that_mean_nothing(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        ResidualConnections(**settings)
