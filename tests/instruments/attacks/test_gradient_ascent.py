"""Plain steps of a constant rate."""

import pytest
import torch
from torch import nn

from snellen._errors import UsageError
from snellen.instruments.attacks._goal import Moved
from snellen.instruments.attacks._norms import L2, Linf
from snellen.instruments.attacks.gradient_ascent import GradientAscent
from snellen.subject.network import Network

PIXELS = torch.full((2, 1, 3, 3), 128 / 255)


def network(scale: float = 1.0) -> Network:
    """tanh(scale * (x - 128/255) . w + 2), w = 1/9 each."""
    layer = nn.Linear(9, 1)
    layer.weight.data.fill_(scale / 9)
    layer.bias.data.fill_(2 - scale * 128 / 255)
    return Network(nn.Sequential(nn.Flatten(), layer, nn.Tanh()))


@pytest.mark.parametrize(("through", "slope"), [("scores", 1.0), ("output", 1 - float(torch.tensor(2.0).tanh()) ** 2)])
def test_the_first_step_is_the_rate_times_the_slope_by_hand(through: str, slope: float) -> None:
    """One step, far too short to round away: each pixel moves by rate * slope / 9, downwards."""
    subject = network()
    before = subject.outputs(PIXELS).detach()[:, 0]
    goal = Moved(before, by=1e-3)
    found = GradientAscent(Linf(0.5), rate=2.0, steps=1)(subject, PIXELS, goal, through=through)  # type: ignore[arg-type]
    assert found.float_success.all()
    torch.testing.assert_close(PIXELS - found.float_images, torch.full_like(PIXELS, 2.0 * slope / 9))


def test_a_step_that_is_less_than_half_a_level_is_lost_as_a_picture() -> None:
    subject = network()
    goal = Moved(subject.outputs(PIXELS).detach()[:, 0], by=1e-6)
    found = GradientAscent(L2(1.0), rate=0.001, steps=1)(subject, PIXELS, goal)
    assert found.float_success.all()
    assert found.float_only.any() or (found.distance >= 1 / 255).all()


def test_wrong_settings() -> None:
    for settings in ({"rate": 0.0}, {"steps": 0}):
        with pytest.raises(UsageError, match="rate must be positive and steps at least 1"):
            GradientAscent(**settings)  # type: ignore[arg-type]
