"""Copies are found, new pictures are not, and the null is that of a loop."""

import pytest
import torch

from snellen._errors import UsageError
from snellen.instruments.generation.memorised import memorised


def normal(count: int, seed: int) -> torch.Tensor:
    return torch.randn(count, 6, generator=torch.Generator().manual_seed(seed))


def test_copies_are_found_and_new_ones_are_not() -> None:
    training = normal(300, 0)
    made = torch.cat([training[:30] + 0.01, normal(70, 1)])
    found = memorised(made, training)
    assert found.copies.nonzero()[:, 0].tolist() == list(range(30))
    assert found.nearest[:30].tolist() == list(range(30))
    assert found.probability < 1e-12
    fresh = memorised(normal(200, 2), training)
    assert fresh.probability > 1e-3
    assert fresh.ratio == pytest.approx(1, abs=0.1)
    assert fresh.nearer == pytest.approx(0.5, abs=0.1)
    wins = (fresh.distances[:, None] < fresh.null[None]).double().mean()
    assert fresh.nearer == pytest.approx(float(wins))
    assert memorised(training[:50] + 0.2 * normal(50, 3), training).nearer > 0.9


def test_the_null_is_that_of_a_loop() -> None:
    training, held = normal(40, 0), normal(25, 1)
    apart = torch.cdist(training.double(), training.double(), compute_mode="donot_use_mm_for_euclid_dist")
    apart.fill_diagonal_(torch.inf)
    found = memorised(normal(5, 2), training)
    assert torch.allclose(found.null.double().sort().values, apart.min(dim=1).values.sort().values, atol=1e-6)
    far = torch.cdist(held.double(), training.double(), compute_mode="donot_use_mm_for_euclid_dist").min(dim=1).values
    found = memorised(normal(5, 2), training, held_out=held)
    assert torch.allclose(found.null.double().sort().values, far.sort().values, atol=1e-6)
    assert found.threshold == pytest.approx(float(far.float().median()) / 4, rel=1e-5)


def test_copies_within_the_training_images_are_expected_copies() -> None:
    doubled = normal(100, 0).repeat(2, 1)
    found = memorised(doubled[:50], doubled)
    assert found.expected == pytest.approx(50, rel=0.01)
    assert found.probability > 0.5


def test_few_images_of_the_null_are_drawn_by_the_seed() -> None:
    training = normal(100, 0)
    one, two, three = (memorised(training[:2], training, null=20, seed=s).null for s in (0, 0, 1))
    assert len(one) == 20
    assert torch.equal(one, two)
    assert not torch.equal(one, three)


def test_too_few_images() -> None:
    with pytest.raises(UsageError, match="at least 2 training images are needed, got 5 and 1"):
        memorised(normal(5, 0), normal(1, 1))
