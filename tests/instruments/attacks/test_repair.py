"""A change that rounding swallowed comes back, at a price next to the best there is, and never beyond the budget."""

from itertools import product

import torch
from torch import nn

from snellen.instruments.attacks._goal import Untargeted
from snellen.instruments.attacks._lattice import levels
from snellen.instruments.attacks._norms import L2, Linf, Norm
from snellen.instruments.attacks._repair import repaired
from snellen.instruments.attacks._victim import Victim
from snellen.subject.network import Network

ORIGINAL = torch.full((1, 1, 2, 3), 100 / 255)
WEIGHT = torch.tensor([3.0, -2.0, 1.5, 1.0, 0.7, -0.4])
ALL = torch.tensor(list(product(range(-2, 3), repeat=6)), dtype=torch.float32)


def plane(far: float) -> Victim:
    """Class 1 where the change along WEIGHT is at least ``far`` levels."""
    layer = nn.Linear(6, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.stack([-WEIGHT, WEIGHT]))
        bias = float(WEIGHT @ ORIGINAL.flatten()) + far / 255
        layer.bias.copy_(torch.tensor([bias, -bias]))
    return Victim(Network(nn.Sequential(nn.Flatten(), layer)), Untargeted(torch.tensor([0])))


def shortest(far: float) -> float:
    """Of all changes by up to two levels, in levels."""
    return float(ALL[far < ALL @ WEIGHT].norm(dim=1).min())


def pictures(far: float) -> tuple[torch.Tensor, torch.Tensor]:
    """The exact least change, a little longer, and its nearest picture of 8 bits."""
    made = ORIGINAL + (1.001 * far * WEIGHT / WEIGHT.square().sum() / 255).view(1, 1, 2, 3)
    return made, levels(made) / 255


def change(far: float, norm: Norm) -> torch.Tensor:
    """The repaired picture's, in levels; none where there is none."""
    made, files = pictures(far)
    victim = plane(far)
    assert victim.look(made).achieved.all()
    found = repaired(victim, made, ORIGINAL, files, norm)
    if torch.equal(found, files):
        return torch.zeros(0)
    assert victim.look(found).achieved.all()
    return ((found - ORIGINAL) * 255).round().flatten()


LOST = [far / 10 for far in range(3, 80, 6) if not plane(far / 10).look(pictures(far / 10)[1]).achieved.any()]


def test_it_is_brought_back_at_the_price_of_the_best() -> None:
    assert len(LOST) >= 5
    ratios = torch.tensor([float(change(far, L2()).norm()) / shortest(far) for far in LOST])
    assert ratios.min() >= 1 - 1e-5
    assert ratios.max() <= 1.42
    assert (ratios <= 1.05).float().mean() >= 0.6


def test_never_beyond_the_budget() -> None:
    kept = 0
    for far in LOST:
        one_level = change(far, Linf(1 / 255))
        assert len(one_level) == 0 or float(one_level.abs().max()) == 1
        short = change(far, L2(1.5 / 255))
        assert len(short) == 0 or float(short.norm()) <= 1.5
        kept += len(one_level) > 0
    assert kept >= 3
