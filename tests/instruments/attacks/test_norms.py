"""Sizes, balls and steepest steps of the three norms."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from snellen._errors import UsageError
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.attacks._norms import L0, L2, NORMS, Linf, Norm

DELTA = torch.randn(6, 3, 4, 4, generator=torch.Generator().manual_seed(2)) / 4
BOUNDED = (Linf(8 / 255), L2(0.5), L0(3))


def test_sizes_by_hand() -> None:
    delta = torch.zeros(1, 3, 2, 2)
    delta[0, :, 0, 0] = torch.tensor([0.3, -0.4, 0.0])
    delta[0, 1, 1, 1] = 1.2
    assert [float(norm().size(delta)) for norm in (Linf, L2, L0)] == pytest.approx([1.2, 1.3, 2])


@pytest.mark.parametrize("norm", BOUNDED, ids=lambda n: n.name)
def test_a_projection_is_inside_and_leaves_what_is_inside(norm: Norm) -> None:
    inside = norm.project(DELTA)
    assert (norm.size(inside) <= norm.eps + 1e-7).all()
    torch.testing.assert_close(norm.project(inside), inside)
    assert torch.equal(norm.project(torch.zeros_like(DELTA)), torch.zeros_like(DELTA))


@pytest.mark.parametrize("norm", BOUNDED, ids=lambda n: n.name)
def test_no_point_of_the_ball_is_nearer_than_the_projection(norm: Norm) -> None:
    own = (norm.project(DELTA) - DELTA).flatten(1).norm(dim=1)
    for seed in range(20):
        other = norm.drawn(DELTA.shape, Draws.of(torch.arange(6).byte().view(6, 1, 1, 1), seed))
        assert (norm.size(other) <= norm.eps + 1e-7).all()
        assert ((other - DELTA).flatten(1).norm(dim=1) >= own - 1e-6).all()


@pytest.mark.parametrize("norm", [Linf(), L2(), L0()], ids=lambda n: n.name)
def test_the_steepest_step_has_size_1_and_climbs_by_the_dual_norm(norm: Norm) -> None:
    step = norm.steepest(DELTA)
    torch.testing.assert_close(norm.size(step), torch.ones(6, dtype=torch.float64))
    dual = {"linf": DELTA.abs().sum(dim=(1, 2, 3)), "l2": DELTA.flatten(1).norm(dim=1)}
    dual["l0"] = (
        DELTA.abs()
        .flatten(2)
        .permute(0, 2, 1)[torch.arange(6), DELTA.abs().amax(dim=1).flatten(1).argmax(dim=1)]
        .sum(dim=1)
    )
    torch.testing.assert_close((step * DELTA).sum(dim=(1, 2, 3)), dual[norm.name])
    assert not norm.steepest(torch.zeros_like(DELTA)).any()


@given(st.integers(1, 255))
def test_a_budget_of_k_levels_is_k_levels(k: int) -> None:
    assert Linf(k / 255).levels == k
    assert Linf(float(f"{k / 255:.8f}")).levels in (k, k - 1)
    if k < 255:
        assert Linf((k + 0.999) / 255).levels == k


def test_budgets_that_are_none() -> None:
    with pytest.raises(UsageError, match=r"less than one of 255 levels.*at least 1/255"):
        Linf(0.003)
    for wrong in (0, -1, "8/255"):
        with pytest.raises(UsageError, match="eps must be a positive number"):
            L2(wrong)  # type: ignore[arg-type]
    assert not Linf().bounded
    assert Linf().levels == 255
    assert list(NORMS) == ["linf", "l2", "l0"]
