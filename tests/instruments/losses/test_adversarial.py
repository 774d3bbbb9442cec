"""The formulas word by word, the discriminators that they ask for, and the slopes that they leave a generator."""

import math
import re
from pathlib import Path

import pytest
import torch
from torch import Tensor

from snellen._errors import UsageError
from snellen.instruments.losses.adversarial import LOSSES, adversarial_loss

PAGE = Path(__file__).resolve().parents[3] / "docs" / "methods" / "gan-losses.md"
REAL = torch.tensor([-1.5, 0.2, 3.0], dtype=torch.float64)
FAKE = torch.tensor([-2.0, 0.5, 0.9], dtype=torch.float64)


def sigmoid(score: float) -> float:
    return 1 / (1 + math.exp(-score))


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


BINARY = mean([-math.log(sigmoid(r)) for r in REAL.tolist()]) + mean([-math.log(1 - sigmoid(f)) for f in FAKE.tolist()])
WRITTEN = {
    "nonsaturating": (BINARY, mean([-math.log(sigmoid(f)) for f in FAKE.tolist()])),
    "saturating": (BINARY, mean([math.log(1 - sigmoid(f)) for f in FAKE.tolist()])),
    "lsgan": (
        (mean([(r - 1) ** 2 for r in REAL.tolist()]) + mean([f**2 for f in FAKE.tolist()])) / 2,
        mean([(f - 1) ** 2 for f in FAKE.tolist()]) / 2,
    ),
    "hinge": (
        mean([max(0, 1 - r) for r in REAL.tolist()]) + mean([max(0, 1 + f) for f in FAKE.tolist()]),
        -mean(FAKE.tolist()),
    ),
    "wasserstein-gp": (mean(FAKE.tolist()) - mean(REAL.tolist()), -mean(FAKE.tolist())),
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_its_formula(name: str) -> None:
    loss = LOSSES[name]
    assert loss.discriminator(REAL, FAKE).item() == pytest.approx(WRITTEN[name][0], rel=1e-12)
    assert loss.generator(FAKE).item() == pytest.approx(WRITTEN[name][1], rel=1e-12)


@pytest.mark.parametrize("name", LOSSES)
def test_a_discriminator_that_cannot_tell_pays_what_the_loss_says(name: str) -> None:
    loss = LOSSES[name]
    undecided = torch.full((3,), 0.5 if name == "lsgan" else 0.0)
    assert loss.discriminator(undecided, undecided).item() == pytest.approx(loss.undecided)
    if loss.probability is not None:
        assert loss.probability(undecided).tolist() == [0.5] * 3


def best_score(name: str, real: float, fake: float) -> float:
    """The score with the least expected loss where images have these two densities, among many."""
    scores = torch.linspace(-6, 6, 24001, dtype=torch.float64)
    costs = [
        real * LOSSES[name].discriminator(s[None], torch.tensor([-1e9], dtype=torch.float64))
        + fake * LOSSES[name].discriminator(torch.tensor([1e9], dtype=torch.float64), s[None])
        for s in scores[::40]
    ]
    return float(scores[::40][int(torch.stack(costs).argmin())])


@pytest.mark.parametrize("name", ["nonsaturating", "hinge"])
def test_the_best_discriminator_is_the_published_one(name: str) -> None:
    """p / (p + q) of a probability (Goodfellow 2014), the sign of p - q of a hinge (Lim and Ye 2017)."""
    for real, fake in ((0.3, 0.1), (0.2, 0.6)):
        found = best_score(name, real, fake)
        if name == "hinge":
            assert found == pytest.approx(math.copysign(1, real - fake), abs=0.02)
        else:
            assert sigmoid(found) == pytest.approx(real / (real + fake), abs=0.005)


def test_the_best_least_squares_discriminator_is_the_probability_too() -> None:
    """(p (s - 1)² + q s²) / 2 is least at p / (p + q) (Mao et al. 2017)."""
    real, fake = 0.3, 0.1
    score = torch.tensor([0.7], dtype=torch.float64, requires_grad=True)
    for _ in range(200):
        one, nothing = torch.ones(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
        cost = real * LOSSES["lsgan"].discriminator(score, nothing) + fake * LOSSES["lsgan"].discriminator(one, score)
        (slope,) = torch.autograd.grad(cost, score)
        score = (score - slope).detach().requires_grad_(True)
    assert score.item() == pytest.approx(real / (real + fake))


def slope(name: str, score: float) -> float:
    scores = torch.tensor([score], dtype=torch.float64, requires_grad=True)
    loss: Tensor = LOSSES[name].generator(scores)
    loss.backward()
    assert scores.grad is not None
    return float(scores.grad)


def test_where_a_generator_is_seen_through_one_loss_teaches_and_the_other_does_not() -> None:
    """-D(G(z)) of the saturating loss, D(G(z)) - 1 of the other."""
    for score in (-10.0, -1.0, 0.0, 4.0):
        assert slope("saturating", score) == pytest.approx(-sigmoid(score))
        assert slope("nonsaturating", score) == pytest.approx(sigmoid(score) - 1)
    assert abs(slope("saturating", -10.0)) < 5e-5
    assert abs(slope("nonsaturating", -10.0)) > 0.9999
    assert slope("lsgan", -10.0) == pytest.approx(-11)
    assert slope("hinge", -10.0) == slope("wasserstein-gp", -10.0) == -1


def test_the_slopes_of_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8").replace("−", "-")
    rows = re.findall(r"^\| (-?\d+) \| ([\d.]+) \| (\S+) \| (\S+) \| (\S+) \| (\S+) \|$", text, re.MULTILINE)
    assert len(rows) == 4
    for score, probability, *told in rows:
        assert sigmoid(float(score)) == pytest.approx(float(probability), rel=1e-4)
        names = ("saturating", "nonsaturating", "lsgan", "hinge")
        for name, value in zip(names, told, strict=True):
            assert slope(name, float(score)) == pytest.approx(float(value), abs=5e-6)
            assert slope("wasserstein-gp", float(score)) == -1


def test_certain_answers_cost_no_infinity() -> None:
    loss = LOSSES["nonsaturating"]
    sure = torch.tensor([200.0])
    assert loss.discriminator(-sure, sure).item() == 400
    assert loss.discriminator(sure, -sure).item() == 0


def test_what_does_not_go_together_is_refused_with_the_reason() -> None:
    with pytest.raises(
        UsageError, match=r"hinge is not one .* gives a probability: .* never leaves \[0, 1\].*: nonsat"
    ):
        adversarial_loss("hinge", "probability")
    with pytest.raises(UsageError, match=r"saturating is not one .* gives a critic: .* the score of a critic is none"):
        adversarial_loss("saturating", "critic")
    with pytest.raises(UsageError, match="did you mean wasserstein-gp"):
        adversarial_loss("wasserstein", "critic")
    with pytest.raises(UsageError, match="no approach to the discriminator named 'judge'"):
        adversarial_loss("hinge", "judge")
    assert adversarial_loss("lsgan", "probability") is LOSSES["lsgan"]
