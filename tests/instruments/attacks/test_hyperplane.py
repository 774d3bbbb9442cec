"""The nearest point of a hyperplane in a box, against a search by halving for the time of the walk."""

import pytest
import torch
from torch import Tensor

from snellen.instruments.attacks._hyperplane import towards
from snellen.instruments.attacks._norms import L2, Linf, Norm


def by_halving(point: Tensor, normal: Tensor, need: float, norm: Norm) -> Tensor:
    """Slow: how far along until enough is gained, for one point."""
    way = normal.double() * (1 if need > 0 else -1)
    speed = way.sign() if isinstance(norm, Linf) else way

    def change(time: float) -> Tensor:
        return (point.double() + time * speed).clamp(0, 1) - point.double()

    low, high = 0.0, 1e6
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if float((change(middle) * way).sum()) < abs(need) else (low, middle)
    return change(high)


@pytest.mark.parametrize("norm", [Linf(), L2()], ids=["linf", "l2"])
def test_equals_a_search_by_halving(norm: Norm) -> None:
    draw = torch.Generator().manual_seed(3)
    points = torch.rand(40, 1, 3, 4, generator=draw)
    points[points < 0.2] = 0.0
    points[points > 0.8] = 1.0
    normal = torch.randn(40, 1, 3, 4, generator=draw)
    normal[:10, :, 0] = 0
    need = torch.randn(40, generator=draw) * torch.tensor([0.1, 1.0, 3.0, 30.0]).repeat(10)
    found = towards(points, normal, need, norm)
    wanted = torch.stack([by_halving(p, n, float(b), norm) for p, n, b in zip(points, normal, need, strict=True)])
    torch.testing.assert_close(found.double(), wanted, rtol=1e-4, atol=1e-6)
    gained = (found * normal).flatten(1).sum(dim=1)
    within = need.abs() < 0.9
    torch.testing.assert_close(gained[within], need[within], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("norm", [Linf(), L2()], ids=["linf", "l2"])
def test_without_a_normal_or_a_need_nothing_changes(norm: Norm) -> None:
    points, normal = torch.rand(2, 1, 2, 2), torch.zeros(2, 1, 2, 2)
    normal[1] = 1
    assert not towards(points, normal, torch.tensor([3.0, 0.0]), norm).any()
