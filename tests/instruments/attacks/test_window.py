"""The window around all changes: its size by hand, its projection against all windows there are."""

import pytest
import torch

from snellen._errors import UsageError
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.attacks._window import Window


def test_sizes_by_hand() -> None:
    delta = torch.zeros(4, 3, 4, 5)
    delta[1, 0, 2, 3] = 1
    delta[2, 0, 1, 0] = delta[2, 2, 1, 3] = 1  # 1 high, 4 wide
    delta[3, 1, 0, 2] = delta[3, 1, 2, 2] = -1
    assert (Window().size(delta) * 20).tolist() == pytest.approx([0, 1, 16, 9])


@pytest.mark.parametrize(("eps", "side"), [(1 / 20, 1), (0.19, 1), (0.2, 2), (0.45, 3), (0.79, 3), (0.8, 4), (1, 4)])
def test_the_largest_side_within_the_budget(eps: float, side: int) -> None:
    assert Window(eps).side(4, 5) == side


def test_the_projection_is_the_best_of_all_windows() -> None:
    delta = torch.randn(6, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    kept = Window(0.25).project(delta)
    for one, whole in zip(kept, delta, strict=True):
        energies = [float(whole[:, y : y + 2, x : x + 2].square().sum()) for y in range(3) for x in range(4)]
        assert float(one.square().sum()) == pytest.approx(max(energies))
    assert (Window().size(kept) <= 0.25).all()
    assert torch.equal(Window(0.25).project(kept), kept)
    drawn = Window(0.25).drawn(delta.shape, Draws.of(delta.byte(), 0))
    assert torch.equal(Window().size(drawn) * 20, torch.full((6,), 4.0, dtype=torch.float64))


def test_budgets_that_hold_nothing() -> None:
    with pytest.raises(UsageError, match=r"at most 1, got 1\.5"):
        Window(1.5)
    with pytest.raises(UsageError, match=r"0.01 of 4 x 5 pixels holds no pixel; give at least 0.05"):
        Window(0.01).side(4, 5)
