"""Classes against a simulation, centres against the closed form of a mixture."""

import math

import pytest
import torch

from snellen._errors import UsageError
from snellen.instruments.generation.modes import centres_covered, classes_covered

RING = torch.tensor([[math.cos(k * math.pi / 4), math.sin(k * math.pi / 4)] for k in range(8)])


def test_the_classes_that_draws_miss_are_as_many_as_simulated() -> None:
    shares = torch.tensor([0.6, 0.2, 0.1, 0.06, 0.04])
    draws = torch.multinomial(shares.expand(4000, -1), 20, replacement=True, generator=torch.Generator().manual_seed(0))
    missed = [5 - len(row.unique()) for row in draws]
    found = classes_covered(draws[0], shares.tolist())
    assert found.expected_missing == pytest.approx(sum(missed) / 4000, abs=0.05)
    assert found.counts.sum() == 20
    assert len(found.missing) == missed[0]


def test_a_dropped_class_is_improbable() -> None:
    found = classes_covered(torch.arange(999) % 9, 10)
    assert found.missing == (9,)
    assert found.improbable[9] == pytest.approx(0.9**999)
    assert found.improbable[:9].min() > 0.5


def test_a_mixture_covers_its_own_centres() -> None:
    """Within 3 standard deviations lie 1 - exp(-4.5) of a 2-d Gaussian."""
    random = torch.Generator().manual_seed(0)
    points = RING[torch.randint(8, (20_000,), generator=random)] + 0.02 * torch.randn(20_000, 2, generator=random)
    found = centres_covered(points, RING, sigma=0.02)
    assert found.covered == 8
    assert found.good == pytest.approx(1 - math.exp(-4.5), abs=0.003)
    few = centres_covered(points[points[:, 0] > 0.5], RING, sigma=0.02)
    assert few.covered == 3


def test_points_between_the_centres_are_not_good() -> None:
    found = centres_covered(0.5 * RING, RING, sigma=0.05)
    assert (found.covered, found.good) == (0, 0.0)


def test_wrong_input() -> None:
    with pytest.raises(UsageError, match="sum to 1"):
        classes_covered(torch.zeros(3).long(), [0.5, 0.4])
    with pytest.raises(UsageError, match="one class of 0 to 1"):
        classes_covered(torch.tensor([2]), 2)
    with pytest.raises(UsageError, match="sigma and radius must be positive"):
        centres_covered(RING, RING, sigma=0)
    with pytest.raises(UsageError, match=r"got \(8, 2\) and \(1, 3\)"):
        centres_covered(RING, torch.zeros(1, 3), sigma=1)
