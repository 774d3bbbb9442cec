"""Exercise 2c: both options by hand, a split trained again by a plain loop, and the page."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from snellen._errors import UsageError
from snellen.findings.evidence import Table
from snellen.findings.findings import Findings
from snellen.report.schema import Document
from snellen.studies._crowd import newborn
from snellen.studies._digits import COUNT, features
from snellen.studies._protocols import Mean, Selected, Split, choose, judge
from snellen.studies.selection import BATCH, HIDDEN, Selection
from snellen.training.optimism import expected_best

SMALL = Selection(seeds=3, rates=(0.02, 0.1), epochs=3, train=60, val=40, test=30)


@pytest.fixture(scope="module")
def small() -> Selected:
    return SMALL.run(seed=2)


def split(seed: int, *, rates: int = 4, epochs: int = 3, n: int = 50, p: float = 0.8) -> Split:
    rng = np.random.default_rng(seed)
    return Split(seed, rng.random((epochs, rates, n)) < p, rng.random((rates, n)) < p, rng.random((rates, 2_000)) < p)


def test_the_options_are_those_of_the_exam() -> None:
    names = [f"rate {i}" for i in range(4)]
    for seed in range(5):
        one = split(seed)
        val = one.val.mean(2)
        for by_test in (True, False):
            looks, taken = choose(names, one, by_test=by_test)
            place = int((one.test.mean(1) if by_test else val.max(0)).argmax())
            assert taken == f"rate {place}, epoch {int(val[:, place].argmax()) + 1}"
            assert looks.counts == {"val": 12, "test": 4 if by_test else 1}
            assert looks.reports == [("test", taken)]
            assert looks.accuracy("test", taken) == one.test[place].mean()
            assert bool(looks.reused(draws=10)) == by_test


def test_equal_networks_show_the_excess_of_the_order_statistic() -> None:
    """Where all rates are equally good and answer alone, option 1 reports E[max] and option 2 the truth."""
    found = judge((1.0, 2.0, 3.0, 4.0), [split(seed) for seed in range(60)])
    exact = expected_best(50, 4, 0.8) - 0.8
    for mean in (found.excess, found.adjusted):
        assert 0 < mean(found.first).low < exact < mean(found.first).high
        assert mean(found.second).low < 0 < mean(found.second).high
    assert found.correlation < 0.05
    assert found.alike == pytest.approx(exact, abs=0.01)
    assert found.simulated == pytest.approx(exact, abs=0.01)


def test_a_split_trained_again_by_a_plain_loop(small: Selected) -> None:
    inputs, labels = features()
    for i, start in enumerate(2 * 10_007 + i for i in range(2)):
        order = torch.randperm(COUNT, generator=torch.Generator().manual_seed(start))
        taught, val, test, fresh = order.split([60, 40, 30, COUNT - 130])
        assert len({*order.tolist()}) == COUNT
        for j, rate in enumerate(SMALL.rates):
            born = newborn(torch.tensor([start]), inputs=64, hidden=HIDDEN, classes=10)
            w1, b1, w2, b2 = (w[0] for w in born.weights)
            net = nn.Sequential(nn.Linear(64, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 10)).double()
            net.load_state_dict({"0.weight": w1.T, "0.bias": b1[0], "2.weight": w2.T, "2.bias": b2[0]})
            sgd = torch.optim.SGD(net.parameters(), lr=rate, momentum=0.9)
            generator = torch.Generator().manual_seed(start ^ 0x0DE5)
            best: tuple[float, ...] = (-1.0,)
            for _ in range(SMALL.epochs):
                for rows in torch.randperm(60, generator=generator).split(BATCH):
                    loss = F.cross_entropy(net(inputs[taught[rows]]), labels[taught[rows]])
                    sgd.zero_grad()
                    loss.backward()
                    sgd.step()
                right = [(net(inputs[part]).argmax(1) == labels[part]).double().mean() for part in (val, test, fresh)]
                if right[0] > best[0]:
                    best = tuple(r.item() for r in right)
            got = (small.val[i, j], small.test[i, j], small.fresh[i, j])
            assert got == pytest.approx(best, abs=1e-12)


def test_the_same_seed_gives_the_same_and_another_does_not(small: Selected) -> None:
    again, other = SMALL.run(seed=2), SMALL.run(seed=3)
    assert np.array_equal(again.test, small.test)
    assert again.simulated == small.simulated
    assert not np.array_equal(other.test, small.test)


def test_the_page_says_what_was_computed(small: Selected) -> None:
    findings = Findings(SMALL.findings(small), subject={"study": SMALL.title, **SMALL.about()})
    Document.model_validate(findings.to_dict())
    assert [f.severity for f in findings] == ["info", "warning", "ok", "info", "info"]
    assert findings.measured["option1_reported"] == small.test.max(1).mean()
    excess = small.first.reported - small.first.fresh
    assert findings.measured["option1_excess_points"] == pytest.approx(100 * excess.mean(), abs=1e-12)
    tables = {e.title: e for f in findings for e in f.evidence if isinstance(e, Table)}
    assert [row[3] for row in tables["Means over 3 splits"].rows] == [2, 1]
    assert sum(int(row[4] or 0) for row in tables["The learning rates"].rows) == 3
    for row, i in zip(tables["Every split"].rows, range(3), strict=True):
        assert row[2] == small.test[i].max()
        assert row[3] == small.fresh[i, small.test[i].argmax()]
        assert row[5] == small.test[i, small.val[i].argmax()]


def test_the_interval_is_students() -> None:
    found = Mean.of(np.array([1.0, 2.0, 3.0, 4.0]))
    half = 3.182446 * math.sqrt(5 / 3) / 2  # t of 3 degrees of freedom at 97.5 %, from a printed table
    assert (found.value, found.low, found.high) == pytest.approx((2.5, 2.5 - half, 2.5 + half), abs=1e-5)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"seeds": 1}, "at least 2 seeds and 2 different learning rates, got 1"),
        ({"rates": (0.1,)}, "2 different learning rates"),
        ({"rates": (0.1, 0.1)}, "2 different learning rates"),
        ({"rates": (0.1, 0.0)}, "numbers above 0"),
        ({"rates": (0.1, math.nan)}, "numbers above 0"),
        ({"epochs": 0}, "at least 1, got epochs=0"),
        ({"test": 0}, "test=0"),
        ({"val": -3}, "val=-3"),
        ({"train": 1_600}, "at least 100 of the 1,797 digits must stay untouched.*take 1800"),
    ],
)
def test_settings_that_mean_nothing(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Selection(**settings)
