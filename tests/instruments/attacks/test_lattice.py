"""Rounding to 8 bits: within the budget, and without one the shortest change by whole levels that keeps the gain."""

from itertools import product

import pytest
import torch

from snellen.instruments.attacks._lattice import kept, levels, rounded, stretched
from snellen.instruments.attacks._norms import L2, Linf


def small_changes() -> tuple[torch.Tensor, torch.Tensor]:
    """30 changes of four values, each by less than a level."""
    draw = torch.Generator().manual_seed(5)
    originals = torch.randint(40, 200, (30, 1, 2, 2), generator=draw) / 255
    return originals, originals + torch.randn(30, 1, 2, 2, generator=draw) * 0.3 / 255


def test_no_shorter_change_by_whole_levels_gains_as_much() -> None:
    originals, made = small_changes()
    found = ((stretched(made, originals) - originals) * 255).round().flatten(1)
    change = ((made - originals) * 255).flatten(1)
    assert (kept(stretched(made, originals), made, originals) >= 1 - 1e-5).all()
    assert found.any(dim=1).all()
    others = torch.tensor(list(product(range(-3, 4), repeat=4)), dtype=torch.float32)
    for wanted, way in zip(found, change, strict=True):
        as_good = others @ way >= wanted @ way - 1e-4
        assert others[as_good].norm(dim=1).min() >= wanted.norm() - 1e-4


def test_it_is_the_least_multiple_that_does() -> None:
    originals, made = small_changes()
    for original, candidate in zip(originals, made, strict=True):
        found = (stretched(candidate[None], original[None])[0] - original).norm()
        steps = torch.linspace(1, 60, 6000).view(-1, 1, 1, 1)
        scanned = levels(original + steps * (candidate - original)) / 255
        enough = kept(scanned, candidate.expand_as(scanned), original.expand_as(scanned)) >= 1
        first = int(enough.int().argmax())
        assert enough.any()
        assert float(found) <= float((scanned[first] - original).norm()) + 1e-6


def test_without_a_budget_a_change_below_half_a_level_survives_and_a_large_one_is_only_rounded() -> None:
    original = torch.full((2, 1, 4, 4), 100 / 255)
    made = original + torch.tensor([0.3, 7.3]).view(2, 1, 1, 1) / 255
    found = ((rounded(made, original, L2()) - original) * 255).round()
    assert found[1].unique().tolist() == [7.0]
    assert found[0].unique().tolist() == [1.0]
    assert not (rounded(made, original, L2(1.0)) - original)[0].any()


def test_at_the_ends_of_the_range_it_ends() -> None:
    ends = torch.tensor([0.0, 1.0]).view(1, 1, 1, 2)
    beyond = ends + torch.tensor([-0.1, 0.1]).view(1, 1, 1, 2) / 255
    assert torch.equal(stretched(beyond, ends), ends)


@pytest.mark.parametrize("eps", [0.004, 0.02, 0.3])
def test_within_a_budget_it_stays_there_and_is_the_nearest_where_that_fits(eps: float) -> None:
    draw = torch.Generator().manual_seed(2)
    originals = torch.randint(0, 256, (20, 3, 4, 4), generator=draw) / 255
    made = (originals + L2(eps).project(torch.randn(20, 3, 4, 4, generator=draw))).clamp(0, 1)
    found = rounded(made, originals, L2(eps))
    assert (L2().size(found - originals) <= eps * (1 + 1e-6)).all()
    assert torch.allclose(found * 255, (found * 255).round(), atol=1e-4)
    nearest = levels(made) / 255
    fits = L2().size(nearest - originals) <= eps * (1 - 1e-6)
    assert torch.equal(found[fits], nearest[fits])
    assert torch.equal(rounded(made, originals, Linf(8 / 255)), nearest)
