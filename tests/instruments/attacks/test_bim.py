"""BIM against a plain loop over single images, and its two ends: one step, and a linear network."""

import pytest
import torch

from instruments.attacks.half_planes import PIXELS, curved, half_plane, needed, plain_climb
from snellen._errors import UsageError
from snellen.instruments.attacks._norms import L2, Linf
from snellen.instruments.attacks.bim import BIM
from snellen.instruments.attacks.fgsm import FGSM


def test_it_is_the_plain_loop() -> None:
    network, labels = curved()
    found = BIM(Linf(5 / 255), steps=8)(network, PIXELS, labels)
    assert 3 <= int(found.success.sum()) < len(PIXELS)
    for image, label, made, fooled in zip(PIXELS, labels, found.images, found.success, strict=True):
        slow = plain_climb(network, label, image[None], levels=5, steps=8)
        assert bool(network.outputs(slow).argmax() != label) == bool(fooled)
        if fooled:
            assert torch.equal((slow[0] * 255).round(), (made * 255).round())


def test_one_step_is_fgsm() -> None:
    network, labels = curved()
    for norm in (Linf(20 / 255), L2(0.9)):
        one, fast = (attack(network, PIXELS, labels) for attack in (BIM(norm, steps=1), FGSM(norm)))
        assert torch.equal(one.images, fast.images)


@pytest.mark.parametrize("levels", [2, 6])
def test_a_linear_network_falls_exactly_when_the_budget_is_larger_than_its_distance(levels: int) -> None:
    network, labels = half_plane()
    found = BIM(Linf(levels / 255))(network, PIXELS, labels)
    assert torch.equal(found.success, needed(network, 1) < levels / 255)


def test_a_climb_stops_where_it_has_arrived() -> None:
    """Distances between the least that is needed and one step more; gradients only until then."""
    network, labels = half_plane()
    found = BIM(Linf(60 / 255), steps=60)(network, PIXELS, labels)
    least = (needed(network, 1) * 255).floor() + 1
    assert torch.equal((found.distance * 255).round(), least)
    assert found.details["gradients"] == int(least.sum()) + len(PIXELS)


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"steps": 0}, "steps must be at least 1, got 0"), ({"step": 0.0}, r"step must be positive, got 0\.0")],
)
def test_wrong_settings(settings: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        BIM(**settings)  # type: ignore[arg-type]
