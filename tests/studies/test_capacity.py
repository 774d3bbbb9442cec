"""Exercise 13b: parameters by hand, the pairing, and settings that mean nothing."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from snellen._errors import UsageError
from snellen.findings.evidence import Table
from snellen.findings.findings import Findings
from snellen.nets.vgg import vgg
from snellen.report.schema import Document
from snellen.studies._protocols import Mean
from snellen.studies._variants import Capacities
from snellen.studies.capacity import Capacity, measured, network, taught_network, vgg16_parameters

SMALL = Capacity(seeds=2, images=20, held=30, epochs=2, hidden=8)


@pytest.fixture(scope="module")
def small() -> Capacities:
    return SMALL.run(seed=1)


def test_the_parameters_of_vgg16_by_hand() -> None:
    with torch.device("meta"):
        whole = vgg(16)
    layer = 4096 * 4096 + 4096
    assert vgg16_parameters(3) == sum(p.numel() for p in whole.parameters()) == 138_357_544
    assert vgg16_parameters(2) == 138_357_544 - layer
    assert vgg16_parameters(4) == 138_357_544 + layer


@pytest.mark.parametrize("layers", [2, 3, 4])
def test_a_small_network_has_so_many_linear_layers(layers: int, small: Capacities) -> None:
    net = network(layers, hidden=8, seed=0)
    linear = [m for m in net if isinstance(m, torch.nn.Linear)]
    assert [m.out_features for m in linear] == [8] * (layers - 1) + [10]
    assert net(torch.rand(2, 1, 16, 16)).shape == (2, 10)
    (variant,) = [v for v in small.variants if v.layers == layers]
    convolutions = sum(p.numel() for m in net if isinstance(m, torch.nn.Conv2d) for p in m.parameters())
    assert variant.parameters == convolutions + 129 * 8 + (layers - 2) * 9 * 8 + 9 * 10


def test_it_learns_and_is_made_by_its_seed_alone() -> None:
    generator = torch.Generator().manual_seed(0)
    pixels, labels = torch.rand(20, 1, 16, 16, generator=generator), torch.arange(20) % 10
    before = torch.get_rng_state()
    one, two = (taught_network(2, pixels, labels, hidden=64, epochs=60, seed=4) for _ in "ab")
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    right, loss = measured(one, pixels, labels)
    assert right > 0.9
    scores = one(pixels).detach()
    slow = -np.mean([math.log(scores[i].softmax(0)[labels[i]]) for i in range(20)])
    assert loss == pytest.approx(slow, rel=1e-4)


def test_the_page_says_what_was_computed(small: Capacities) -> None:
    findings = Findings(SMALL.findings(small), subject={"study": SMALL.title, **SMALL.about()})
    Document.model_validate(findings.to_dict())
    original, more = small.variants[1:]
    change = Mean.of(more.loss_gap - original.loss_gap)
    assert findings.measured["loss_gap_change_4"] == change.value
    assert findings.measured["loss_gap_change_4_high"] == change.high
    assert findings.measured["gap_3"] == pytest.approx((original.taught - original.held).mean(), abs=1e-15)
    assert findings.measured["layer_parameters"] == 16_781_312
    tables = {e.title: e for f in findings for e in f.evidence if isinstance(e, Table)}
    assert tables["Every seed"].rows[1][3] == original.held[1]
    assert [row[2] for row in tables["Parameters"].rows] == [121_576_232, 138_357_544, 155_138_856]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"seeds": 1}, "at least 2 seeds.*got seeds=1"),
        ({"images": 0}, "images=0"),
        ({"held": 0}, "held=0"),
        ({"epochs": 0}, "epochs=0"),
        ({"hidden": 0}, "hidden=0"),
        ({"images": 1_500, "held": 600}, "there are 1,797 digits; images and held ask for 2,100"),
    ],
)
def test_settings_that_mean_nothing(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Capacity(**settings)
