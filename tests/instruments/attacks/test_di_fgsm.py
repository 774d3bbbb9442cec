"""DI-FGSM: what is shown to the network against sampling by hand, and its end without any change."""

import math

import pytest
import torch
from torch import Tensor

from instruments.attacks.half_planes import PIXELS, curved, half_plane
from snellen._errors import UsageError
from snellen.instruments.attacks._draws import Draws
from snellen.instruments.attacks._goal import Untargeted
from snellen.instruments.attacks._norms import Linf
from snellen.instruments.attacks._victim import Victim
from snellen.instruments.attacks.bim import BIM
from snellen.instruments.attacks.di_fgsm import DIFGSM


def streams() -> Draws:
    return Draws.of((PIXELS * 255).round().byte(), 3)


def by_hand(picture: Tensor, factor: float, left: float, top: float) -> Tensor:
    """Bilinear: the centre of output pixel i stands at (i + 0.5 - place) / factor - 0.5 of the input; black outside."""
    _, height, width = picture.shape

    def at(c: int, y: int, x: int) -> float:
        return float(picture[c, y, x]) if 0 <= y < height and 0 <= x < width else 0.0

    out = torch.zeros_like(picture)
    for c in range(len(picture)):
        for i in range(height):
            for j in range(width):
                y, x = (i + 0.5 - top) / factor - 0.5, (j + 0.5 - left) / factor - 0.5
                y0, x0 = math.floor(y), math.floor(x)
                v, u = y - y0, x - x0
                out[c, i, j] = (1 - v) * ((1 - u) * at(c, y0, x0) + u * at(c, y0, x0 + 1)) + v * (
                    (1 - u) * at(c, y0 + 1, x0) + u * at(c, y0 + 1, x0 + 1)
                )
    return out


def test_what_is_shown_is_the_picture_shrunk_and_moved() -> None:
    attack = DIFGSM(probability=0.6, smallest=0.5)
    seen = attack._seen(PIXELS, streams())
    moved = 0
    for picture, shown, (chance, shrunk, right, down) in zip(
        PIXELS[:, :1], seen[:, :1], streams().uniform((12, 4)), strict=True
    ):
        if float(chance) >= 0.6:
            assert torch.equal(shown, picture)
            continue
        moved += 1
        factor = 1 - 0.5 * float(shrunk)
        free = 6 * (1 - factor)
        slow = by_hand(picture, factor, free * (1 - float(right)), free * (1 - float(down)))
        torch.testing.assert_close(shown, slow, rtol=0, atol=1e-5)
    assert 0 < moved < 12


def test_without_changes_it_is_bim() -> None:
    network, labels = curved()
    for settings in ({"probability": 0.0}, {"probability": 1.0, "smallest": 1.0}):
        found, bim = (a(network, PIXELS, labels) for a in (DIFGSM(Linf(0.1), **settings), BIM(Linf(0.1))))
        torch.testing.assert_close(found.images, bim.images, rtol=0, atol=1.01 / 255)
        assert torch.equal(found.success, bim.success)


def test_the_gradient_comes_back_through_the_change() -> None:
    """On a linear network f(T x) with T linear, the first step goes along T's transpose times the weights."""
    network, labels = half_plane()
    attack = DIFGSM(Linf(1 / 255), steps=1, probability=1.0, smallest=0.5)
    own = streams()[torch.tensor([0])].split(0)
    leaf = PIXELS[:1].clone().requires_grad_()
    scores = network.outputs(attack._seen(leaf, own))
    (slope,) = torch.autograd.grad(scores[0, 1 - labels[0]] - scores[0, labels[0]], leaf)
    made = attack.perturb(Victim(network, Untargeted(labels[:1])), PIXELS[:1], streams()[torch.tensor([0])])
    assert torch.equal(((made - PIXELS[:1]) * 255).round(), slope.sign())


def test_every_step_sees_another_change() -> None:
    first, second = (DIFGSM(probability=1.0)._seen(PIXELS, streams().split(step)) for step in (0, 1))
    assert not torch.equal(first, second)


@pytest.mark.parametrize("settings", [{"probability": 1.1}, {"smallest": 0.0}])
def test_wrong_settings(settings: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=r"probability must lie in \[0, 1\] and smallest in \(0, 1\]"):
        DIFGSM(**settings)  # type: ignore[arg-type]
