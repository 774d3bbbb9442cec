"""The curves of a game, and a discriminator that has won it."""

import pytest

from snellen.findings.evidence import Curve, Table
from snellen.training.gan_settings import Settings
from snellen.training.verdicts.gan_game import game


def rows(real: float, fake: float, count: int = 8) -> list[dict[str, float]]:
    usual = {"discriminator_loss": 1.3, "generator_loss": 0.7, "penalty": 0.1, "spread": 0.9}
    named = {"real": real, "fake": fake, "says_real": real, "says_fake": fake}
    return [{"step": 10.0 * (i + 1), "seconds": 2.0 * i, **usual, **named} for i in range(count)]


def test_the_game_is_judged_by_its_last_looks() -> None:
    found = game([*rows(0.99, 0.01), *rows(0.6, 0.4, 5)], Settings())
    assert (found.severity, found.remedy) == ("info", "")
    assert found.measured["says_real"] == pytest.approx(0.6)
    assert "with 0.60 and generated ones with 0.40" in found.sentence
    curves = [e for e in found.evidence if isinstance(e, Curve)]
    assert [len(curve.series) for curve in curves] == [2, 3, 1]
    assert "1.39 where it cannot tell" in curves[1].note
    (table,) = (e for e in found.evidence if isinstance(e, Table))
    assert len(table.rows) == 13


def test_a_discriminator_that_is_certain_has_won() -> None:
    found = game(rows(0.99, 0.01), Settings(loss="saturating"))
    assert (found.severity, found.title) == ("warning", "The discriminator has won")
    assert "another loss than saturating" in found.remedy


def test_the_scores_of_a_critic_are_no_probabilities() -> None:
    found = game(rows(0.99, -3.0), Settings(discriminator="critic"))
    assert found.severity == "info"
    assert "3.99 apart" in found.sentence
