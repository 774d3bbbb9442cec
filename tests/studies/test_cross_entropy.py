"""Problem 1: operations counted twice, minima in words and numbers, what networks say beside the formula."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from snellen._errors import UsageError
from snellen.findings.evidence import Curve, Table
from snellen.findings.findings import Findings
from snellen.instruments.losses.cross_entropy import cross_entropy
from snellen.report.schema import Document
from snellen.studies._cross_entropy_findings import CLOSED
from snellen.studies._operations import WAYS, count, indexed, one_line
from snellen.studies._regularised import Regularised
from snellen.studies.cross_entropy import CrossEntropy, path, refusal, vanishing

GOLDEN = (1 + math.sqrt(5)) / 4


@pytest.fixture(scope="module")
def result() -> Regularised:
    return CrossEntropy(samples=30, steps=2_000, strengths=(0.0, 1.0), epochs=3).run(seed=5)


class Written(float):
    """A float that writes down what is done with it; another way of counting than the study's own."""

    done: list[str]

    def noted(self, name: str, value: float) -> "Written":
        self.done.append(name)
        return written(value, self.done)

    def __add__(self, other: Any) -> "Written":
        return self.noted("+", float(self) + float(other))

    def __sub__(self, other: Any) -> "Written":
        return self.noted("-", float(self) - float(other))

    def __rsub__(self, other: Any) -> "Written":
        return self.noted("-", float(other) - float(self))

    def __mul__(self, other: Any) -> "Written":
        return self.noted("*", float(self) * float(other))

    def __neg__(self) -> "Written":
        return self.noted("neg", -float(self))

    def __eq__(self, other: object) -> bool:
        self.done.append("test")
        return float(self) == other

    __hash__ = float.__hash__


def written(value: float, done: list[str]) -> Written:
    number = Written(value)
    number.done = done
    return number


def samples(n: int) -> tuple[list[list[float]], list[list[int]]]:
    rng = np.random.default_rng(n)
    first = rng.uniform(0.01, 0.99, n)
    return np.stack([first, 1 - first], 1).tolist(), np.eye(2, dtype=int)[rng.integers(0, 2, n)].tolist()


@pytest.mark.parametrize("n", [1, 2, 17, 100])
def test_operations_are_2n_by_two_counts(n: int) -> None:
    z, y = samples(n)
    wanted = {"definition, written out": 6 * n, "one logarithm, by a test": 3 * n, "logarithm of the product": n + 1}
    for name, way in WAYS.items():
        done: list[str] = []

        def log(x: Written, done: list[str] = done) -> Written:
            done.append("log")
            return written(math.log(x), done)

        rows = [[written(v, done) for v in row] for row in z]
        hots = [[written(v, done) for v in row] for row in y]
        value = float(way(rows, hots, log))
        assert value == pytest.approx(cross_entropy(z, y), rel=1e-12), name
        assert way(z, y) == pytest.approx(value, rel=1e-12)
        assert count(way, z, y) == (pytest.approx(value, rel=1e-12), len(done)), name
        assert len(done) == wanted.get(name, 2 * n), (name, done)
        if way in (indexed, one_line):
            assert done.count("log") == n


def test_a_product_of_probabilities_vanishes() -> None:
    assert math.ldexp(1, -1074) > 0 == math.ldexp(1, -1075)
    assert vanishing(0.5) == 1075
    with pytest.raises(ValueError, match=r"math domain error|expected a positive input"):
        WAYS["logarithm of the product"]([[0.5, 0.5]] * 1075, [[1, 0]] * 1075)


def test_the_words_of_the_closed_forms_are_their_numbers(result: Regularised) -> None:
    meant = {"1": 1.0, "(1 + √5)/4": GOLDEN, "1/√2": 1 / math.sqrt(2)}
    assert len(result.least) == len(CLOSED) == 6
    for least in result.least:
        text = CLOSED[least.penalty, least.stochastic]
        if least.formula.z is None:
            assert "for ever" in text
            assert least.search.z is None
            assert least.difference is None
        else:
            assert least.formula.z[0] == pytest.approx(meant[text], abs=1e-15)
            assert least.difference is not None
            assert least.difference < 1e-5


@pytest.mark.parametrize("penalty", ["none", "l2", "l1"])
def test_the_path_of_the_logits_is_gradient_descent(penalty: Any) -> None:
    d = torch.zeros((), dtype=torch.float64, requires_grad=True)
    sgd, seen = torch.optim.SGD([d], lr=1.0), []
    for _ in range(40):
        p = torch.stack([d, torch.zeros_like(d)]).softmax(0)
        seen.append(p[0].item())
        size = {"none": 0 * p.sum(), "l2": p.square().sum(), "l1": p.abs().sum()}[penalty]
        sgd.zero_grad()
        (size - p[0].log()).backward()
        sgd.step()
    assert path(penalty, 39).tolist() == pytest.approx(seen, abs=1e-12)


def test_the_penalty_stops_confidence_and_nothing_else_does(result: Regularised) -> None:
    assert result.paths["l2"][-1] == pytest.approx(GOLDEN, abs=1e-12)
    assert np.array_equal(result.paths["l1"], result.paths["none"])
    assert (np.diff(result.paths["none"]) > 0).all()
    gap = math.log(GOLDEN / (1 - GOLDEN))
    assert gap == pytest.approx(3 * math.log((1 + math.sqrt(5)) / 2), abs=1e-12)  # three times ln of the golden ratio


def test_trained_networks_go_where_the_formula_says() -> None:
    found = CrossEntropy(samples=1, steps=1, strengths=(0.0, 1.0, 5.0), epochs=40).run(seed=1)
    free, one, five = found.trained
    k = 10
    assert one.best == pytest.approx((1 + math.sqrt(1 + 2 * k * (k - 1))) / (2 * k), abs=1e-12)
    assert np.median(free.said) > 0.98
    assert np.median(one.said) == pytest.approx(one.best, abs=0.05)
    assert np.median(five.said) == pytest.approx(five.best, abs=0.05)
    assert min(free.held_out, one.held_out) > 0.9


def test_vectors_that_are_not_stochastic_are_refused_with_the_reason(result: Regularised) -> None:
    told = dict(result.refusals)
    assert "no lower bound" in told[8.0, 2.0]
    assert "no lower bound" in told[1.0, 1000.0]
    assert "no value below 0" in told[1.5, -0.5]
    with pytest.raises(UsageError, match="is stochastic"):
        refusal((0.5, 0.5))


def test_the_page_says_what_was_computed(result: Regularised) -> None:
    study = CrossEntropy(samples=30, steps=2_000, strengths=(0.0, 1.0), epochs=3)
    findings = Findings(study.findings(result), subject={"study": study.title, **study.about()})
    Document.model_validate(findings.to_dict())
    assert findings.errors == findings.warnings == ()
    assert findings.measured["loop_operations"] == findings.measured["one_line_operations"] == 60
    assert findings.measured["z0_stochastic_l2"] == GOLDEN
    assert findings.measured["z0_free_none"] == math.inf
    assert findings.measured["cap_0"] == 1
    by = {f.check: f for f in findings}
    table = next(e for e in by["study/argmin"].evidence if isinstance(e, Table))
    assert [row[3] for row in table.rows] == [1.0, GOLDEN, 1.0, None, pytest.approx(math.sqrt(0.5)), 1.0]
    plane = next(e for e in by["study/argmin"].evidence if isinstance(e, Curve) and e.title == "The plane of z")
    level = next(v for name, v in plane.series.items() if name.startswith("CE + "))
    z0, z1 = np.array(level)
    value = findings.measured["value_stochastic_l2"]
    assert z0**2 + z1**2 - np.log(z0) == pytest.approx(np.full(len(z0), value), abs=1e-9)
    assert (z0 + z1).max() == pytest.approx(1, abs=1e-3)  # it touches the stochastic vectors


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"samples": 0}, "must be 1 or more, got 0"),
        ({"steps": 0}, "must be 1 or more"),
        ({"epochs": 0}, "must be 1 or more"),
        ({"strengths": ()}, "strengths must be numbers of at least 0"),
        ({"strengths": (-1.0,)}, "at least 0, got"),
        ({"strengths": (math.nan,)}, "at least 0"),
    ],
)
def test_settings_that_mean_nothing(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        CrossEntropy(**settings)
