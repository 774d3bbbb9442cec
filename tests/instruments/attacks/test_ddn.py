"""The distance of a plane, and equality with the paper's loop written for one image."""

import math

import pytest
import torch

from instruments.attacks.half_planes import PIXELS, curved, gradient, half_plane, needed
from snellen._errors import UsageError
from snellen.instruments.attacks.ddn import DDN


def test_the_distance_of_a_plane() -> None:
    network, labels = half_plane(0.05)
    found = DDN()(network, PIXELS, labels)
    ratio = found.float_distance / needed(network, 2)
    assert found.float_success.all()
    assert ratio.min() >= 1 - 1e-6
    assert ratio.median() <= 1.05


def plain(network: object, label: torch.Tensor, original: torch.Tensor, steps: int, gamma: float) -> float:
    """The best distance for one image (1, c, h, w), as the paper's algorithm 1 writes it but for rounding."""
    change, radius, best = torch.zeros_like(original), 1.0, math.inf
    for step in range(steps + 1):
        made = original + change
        adversarial = bool(network.outputs(made).detach().argmax() != label)  # type: ignore[attr-defined]
        if adversarial:
            best = min(best, float(change.norm()))
        if step == steps:
            break
        if step:
            radius *= 1 - gamma if adversarial else 1 + gamma
        slope = gradient(network, made, label)  # type: ignore[arg-type]
        size = 0.01 + 0.99 * (1 + math.cos(math.pi * step / steps)) / 2
        change = change + size * slope / slope.norm()
        change = (original + radius * change / change.norm()).clamp(0, 1) - original
    return best


def test_equals_the_loop_of_the_paper() -> None:
    network, labels = curved()
    found = DDN(steps=25, gamma=0.1)(network, PIXELS[:4], labels[:4])
    for i in range(4):
        wanted = plain(network, labels[i], PIXELS[i : i + 1], 25, 0.1)
        assert float(found.float_distance[i]) == pytest.approx(wanted, rel=1e-3)


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"gamma": 1.0}, {"radius": 0.0}])
def test_wrong_settings(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        DDN(**wrong)  # type: ignore[arg-type]
